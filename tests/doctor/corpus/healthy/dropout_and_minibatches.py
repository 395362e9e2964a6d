# causes: none
import numpy as np

rng = np.random.default_rng(12)
X = rng.normal(size=(200, 5))
y = (X[:, :1] + X[:, 1:2] - X[:, 2:3] > 0).astype(float)
W1, b1 = rng.normal(0, 0.5, (5, 16)), np.zeros(16)
W2, b2 = rng.normal(0, 0.3, (16, 1)), np.zeros(1)
keep = 0.8
for epoch in range(40):
    perm = rng.permutation(200)
    for k in range(0, 200, 25):
        xb, yb = X[perm[k : k + 25]], y[perm[k : k + 25]]
        h = np.maximum(xb @ W1 + b1, 0)
        mask = (rng.random(h.shape) < keep) / keep
        hd = h * mask
        p = 1 / (1 + np.exp(-(hd @ W2 + b2)))
        d2 = (p - yb) / len(xb)
        dh = d2 @ W2.T * mask
        dh[h <= 0] = 0
        W2 -= 0.5 * hd.T @ d2
        b2 -= 0.5 * d2.sum(0)
        W1 -= 0.5 * xb.T @ dh
        b1 -= 0.5 * dh.sum(0)
