# causes: init-too-large
import numpy as np

rng = np.random.default_rng(33)
X = rng.normal(size=(100, 10))
y = (X[:, :3].sum(axis=1, keepdims=True) > 0).astype(float)
W1 = rng.normal(0, 30, (10, 12))
W2 = rng.normal(0, 30, (12, 12))
W3 = rng.normal(0, 30, (12, 1))
sig = lambda z: 1 / (1 + np.exp(-z))
for t in range(400):
    a = sig(X @ W1)
    b = sig(a @ W2)
    o = sig(b @ W3)
    g3 = (o - y) * o * (1 - o) / len(X)
    g2 = g3 @ W3.T * b * (1 - b)
    g1 = g2 @ W2.T * a * (1 - a)
    W3 -= 2.0 * b.T @ g3
    W2 -= 2.0 * a.T @ g2
    W1 -= 2.0 * X.T @ g1
