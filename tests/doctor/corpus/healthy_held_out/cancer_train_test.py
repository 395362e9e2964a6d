# causes: none
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
X, y = load_breast_cancer(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.25, random_state=0)
mean, std = X_tr.mean(0), X_tr.std(0)
X_tr, X_te = (X_tr - mean) / std, (X_te - mean) / std
y_tr, y_te = y_tr.reshape(-1, 1), y_te.reshape(-1, 1)
rng = np.random.default_rng(5)
W1 = rng.standard_normal((30, 16)) * np.sqrt(1 / 30); b1 = np.zeros((1, 16))
W2 = rng.standard_normal((16, 1)) * np.sqrt(1 / 16); b2 = np.zeros((1, 1))
train_losses, test_losses = [], []
def fwd(X):
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
    return A1, A2
def bce(p, y):
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
for epoch in range(250):
    A1, A2 = fwd(X_tr)
    train_losses.append(bce(A2, y_tr))
    test_losses.append(bce(fwd(X_te)[1], y_te))
    dZ2 = (A2 - y_tr) / len(X_tr)
    dZ1 = dZ2 @ W2.T * (1 - A1 ** 2)
    W2 -= 0.5 * A1.T @ dZ2; b2 -= 0.5 * dZ2.sum(0, keepdims=True)
    W1 -= 0.5 * X_tr.T @ dZ1; b1 -= 0.5 * dZ1.sum(0, keepdims=True)
print("train", train_losses[-1], "test", test_losses[-1])
print("test acc", ((fwd(X_te)[1] > 0.5) == y_te).mean())
