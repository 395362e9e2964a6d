# causes: labels-not-01
import numpy as np

rng = np.random.default_rng(44)
X = rng.normal(size=(80, 2))
y = np.sign(X[:, :1] + X[:, 1:])
W1 = rng.normal(0, 0.7, (2, 4))
b1 = np.zeros(4)
W2 = rng.normal(0, 0.7, (4, 1))
b2 = np.zeros(1)
for e in range(500):
    h = 1 / (1 + np.exp(-(X @ W1 + b1)))
    o = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d2 = (o - y) * o * (1 - o) / len(X)
    d1 = d2 @ W2.T * h * (1 - h)
    W2 -= 1.0 * h.T @ d2
    b2 -= 1.0 * d2.sum(0)
    W1 -= 1.0 * X.T @ d1
    b1 -= 1.0 * d1.sum(0)
