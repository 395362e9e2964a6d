# causes: none
import numpy as np
rng = np.random.default_rng(12)
X = rng.normal(size=(200, 3)); y = (X[:, :1] > X[:, 1:2]) * 1.
W, b = rng.normal(0, .1, (3, 1)), np.zeros((1, 1)); aW, ab = W.copy(), b.copy()
for i in range(400):
    k = rng.integers(0, 200, 16)
    p = 1 / (1 + np.exp(-(X[k] @ W + b)))
    W -= .5 * X[k].T @ (p - y[k]) / 16; b -= .5 * (p - y[k]).mean()
    aW = .95 * aW + .05 * W; ab = .95 * ab + .05 * b
print((((X @ aW + ab) > 0) == y).mean())
