# causes: bias-axis
import numpy as np


def update(X, y, W1, b1, W2, b2, alpha):
    Z = np.dot(X, W1) + b1
    H = np.maximum(0, Z)
    yhat = np.dot(H, W2) + b2
    m = len(y)
    dY = (yhat - y) / m
    dH = np.dot(dY, W2.T)
    dZ = np.where(Z > 0, dH, 0)
    W2 = W2 - alpha * np.dot(H.T, dY)
    b2 = b2 - alpha * np.sum(dY, axis=0)
    W1 = W1 - alpha * np.dot(X.T, dZ)
    b1 = b1 - alpha * np.sum(dZ)
    return W1, b1, W2, b2


rng = np.random.RandomState(104)
X = rng.randn(80, 2)
y = np.abs(X[:, [0]]) - X[:, [1]]
W1, b1, W2, b2 = 0.7 * rng.randn(2, 12), np.zeros(12), 0.4 * rng.randn(12, 1), np.zeros(1)
for it in range(400):
    W1, b1, W2, b2 = update(X, y, W1, b1, W2, b2, 0.1)
