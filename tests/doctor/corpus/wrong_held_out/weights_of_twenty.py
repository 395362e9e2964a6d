# causes: init-too-large|saturated
import numpy as np
from sklearn.datasets import load_digits

X, y = load_digits(return_X_y=True)
X = X[:400] / 16
y = y[:400]
T = np.eye(10)[y]
np.random.seed(1)

# weights
W1 = np.random.randn(64, 40) * 20
B1 = np.random.randn(40) * 20
W2 = np.random.randn(40, 10) * 20
B2 = np.random.randn(10) * 20

def sigmoid(x):
    x = np.clip(x, -500, 500)
    return 1 / (1 + np.exp(-x))

for epoch in range(200):
    H = sigmoid(X @ W1 + B1)
    O = sigmoid(H @ W2 + B2)
    dO = (O - T) * O * (1 - O)
    dH = dO @ W2.T * H * (1 - H)
    W2 -= 0.05 * H.T @ dO
    B2 -= 0.05 * dO.sum(0)
    W1 -= 0.05 * X.T @ dH
    B1 -= 0.05 * dH.sum(0)
    if epoch % 40 == 0:
        print("Epoch %d MSE %.4f acc %.3f" % (epoch, ((O - T) ** 2).mean(), (O.argmax(1) == y).mean()))
