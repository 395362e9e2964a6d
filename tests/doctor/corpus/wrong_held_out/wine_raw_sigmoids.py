# causes: unscaled-inputs
import numpy as np
from sklearn.datasets import load_wine

wine = load_wine()
X = wine.data            # 13 chemical features
y = np.eye(3)[wine.target]
np.random.seed(9)
p = np.random.permutation(len(X))
X, y = X[p], y[p]
X_train, y_train, X_test, y_test = X[:140], y[:140], X[140:], y[140:]

W1 = np.random.randn(13, 20) * 0.1
b1 = np.zeros(20)
W2 = np.random.randn(20, 3) * 0.1
b2 = np.zeros(3)

def forward(X):
    a1 = 1 / (1 + np.exp(-(X @ W1 + b1)))
    z = a1 @ W2 + b2
    e = np.exp(z - z.max(1, keepdims=True))
    return a1, e / e.sum(1, keepdims=True)

for epoch in range(400):
    a1, probs = forward(X_train)
    d2 = (probs - y_train) / len(X_train)
    d1 = d2 @ W2.T * a1 * (1 - a1)
    W2 -= 0.3 * a1.T @ d2
    b2 -= 0.3 * d2.sum(0)
    W1 -= 0.3 * X_train.T @ d1
    b1 -= 0.3 * d1.sum(0)
    if epoch % 100 == 0:
        loss = -np.log((probs * y_train).sum(1)).mean()
        print(epoch, "loss", loss)
print("test accuracy", (forward(X_test)[1].argmax(1) == y_test.argmax(1)).mean())
