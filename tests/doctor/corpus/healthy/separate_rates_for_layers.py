# causes: none
import numpy as np

rng = np.random.default_rng(14)
X = rng.normal(size=(70, 2))
y = (X[:, :1] > X[:, 1:] ** 2 - 0.5).astype(float)
W1, b1 = rng.normal(0, 0.8, (2, 8)), np.zeros((1, 8))
W2, b2 = rng.normal(0, 0.5, (8, 1)), np.zeros((1, 1))
lr1, lr2 = 0.9, 0.3
for i in range(2000):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-h @ W2 - b2))
    e = (p - y) / 70
    dh = (e @ W2.T) * (1 - h**2)
    W2 -= lr2 * h.T @ e
    b2 -= lr2 * e.sum(0, keepdims=True)
    W1 -= lr1 * X.T @ dh
    b1 -= lr1 * dh.sum(0, keepdims=True)
