# causes: dead-relu
import numpy as np

rng = np.random.default_rng(53)
X = rng.uniform(0, 1, (80, 2))
y = np.sin(3 * X[:, :1]) + X[:, 1:]
W1 = rng.normal(0, 1, (2, 10))
b1 = np.full((1, 10), -6.0)
W2 = rng.normal(0, 1, (10, 1))
b2 = np.zeros((1, 1))
for epoch in range(500):
    z = X @ W1 + b1
    h = np.maximum(z, 0)
    o = h @ W2 + b2
    d = 2 * (o - y) / len(X)
    dz = d @ W2.T * (z > 0)
    W2 -= 0.05 * h.T @ d
    b2 -= 0.05 * d.sum(axis=0, keepdims=True)
    W1 -= 0.05 * X.T @ dz
    b1 -= 0.05 * dz.sum(axis=0, keepdims=True)
