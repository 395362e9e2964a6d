# causes: none
import numpy as np
rng = np.random.default_rng(8)
X = rng.normal(size=(150, 2)); y = (X[:, 0] > .3).astype(int)
w = rng.normal(size=(2,)); b = 0.
for _ in range(200):
    logit = X @ w + b
    p = 1 / (1 + np.exp(-logit))
    w = w - .5 * X.T @ (p - y) / 150; b = b - .5 * (p - y).mean()
pred = (X @ w + b) > 0
print((pred == y).mean())
