# causes: relu-output
import numpy as np
rng = np.random.default_rng(31)
X = rng.normal(size=(100, 3))
y = (X @ np.array([1., -1., 0.5]) > 0).astype(float)[:, None]
W1 = rng.normal(size=(3, 5)) * .5; b1 = np.zeros(5)
W2 = -np.abs(rng.normal(size=(5, 1))); b2 = np.full(1, -0.2)
relu = lambda z: np.maximum(0, z)
for k in range(500):
    h = relu(X @ W1 + b1)
    o = relu(h @ W2 + b2)
    e = 2 * (o - y) / len(X) * (o > 0)
    dh = e @ W2.T * (h > 0)
    W2 -= .1 * h.T @ e; b2 -= .1 * e.sum(0)
    W1 -= .1 * X.T @ dh; b1 -= .1 * dh.sum(0)
    if k % 100 == 0: print(k, np.mean((o - y) ** 2))
