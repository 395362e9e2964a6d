# causes: none
import numpy as np
rng = np.random.default_rng(21)
y = rng.integers(0, 3, 90); X = rng.normal(0, .6, (90, 2)) + 2 * np.c_[np.cos(y * 2.1), np.sin(y * 2.1)]
Y = np.eye(3)[y]
W = rng.normal(0, .1, (2, 3)); b = np.zeros(3)
for k in range(500):
    z = X @ W + b
    p = np.exp(z - z.max(1, keepdims=True)); p /= p.sum(1, keepdims=True)
    g = 2 * (p - Y) / len(X)
    dz = p * (g - (g * p).sum(1, keepdims=True))
    W -= 1. * X.T @ dz; b -= 1. * dz.sum(0)
    if k % 100 == 0: print(k, ((p - Y) ** 2).sum(1).mean())
