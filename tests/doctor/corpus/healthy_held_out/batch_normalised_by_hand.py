# causes: none
import numpy as np

rng = np.random.default_rng(208)
X = rng.normal(3, 2, (64, 3))
y = (X[:, :1] - X[:, 1:2] > 0) * 1.0
W, g, s = rng.normal(0, 0.5, (3, 6)), np.ones(6), np.zeros(6)
V, c = rng.normal(0, 0.5, (6, 1)), np.zeros(1)
for i in range(400):
    z = X @ W
    mu, var = z.mean(0), z.var(0) + 1e-5
    n = (z - mu) / np.sqrt(var)
    h = np.tanh(g * n + s)
    p = 1 / (1 + np.exp(-(h @ V + c)))
    d = (p - y) / 64
    dh = d @ V.T * (1 - h**2)
    dn = dh * g
    dz = (dn - dn.mean(0) - n * (dn * n).mean(0)) / np.sqrt(var)
    V -= 0.5 * h.T @ d
    c -= 0.5 * d.sum(0)
    g -= 0.5 * (dh * n).sum(0)
    s -= 0.5 * dh.sum(0)
    W -= 0.5 * X.T @ dz
