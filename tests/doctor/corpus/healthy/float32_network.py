# causes: none
import numpy as np

rng = np.random.default_rng(15)
X = rng.normal(size=(100, 3)).astype(np.float32)
y = (X[:, :1] - X[:, 1:2] > 0).astype(np.float32)
W1 = (rng.normal(size=(3, 8)) * 0.5).astype(np.float32)
b1 = np.zeros(8, np.float32)
W2 = (rng.normal(size=(8, 1)) * 0.5).astype(np.float32)
b2 = np.zeros(1, np.float32)
lr = np.float32(0.5)
for _ in range(500):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d2 = (p - y) / np.float32(len(X))
    d1 = d2 @ W2.T * (1 - h * h)
    W2 -= lr * (h.T @ d2)
    b2 -= lr * d2.sum(0)
    W1 -= lr * (X.T @ d1)
    b1 -= lr * d1.sum(0)
