# causes: none
import numpy as np

rng = np.random.default_rng(6)
X = rng.normal(size=(120, 3))
target = np.tanh(X[:, :1] - X[:, 1:2])
W1, b1 = rng.normal(0, 0.6, (3, 10)), np.zeros(10)
W2, b2 = rng.normal(0, 0.4, (10, 1)), np.zeros(1)
for epoch in range(600):
    lr = 0.2 * 0.99**epoch
    h = np.tanh(X @ W1 + b1)
    out = h @ W2 + b2
    d2 = 2 * (out - target) / len(X)
    d1 = d2 @ W2.T * (1 - h * h)
    W2 -= lr * h.T @ d2
    b2 -= lr * d2.sum(0)
    W1 -= lr * X.T @ d1
    b1 -= lr * d1.sum(0)
