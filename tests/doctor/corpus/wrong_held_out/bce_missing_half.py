# causes: loss-misreported
import numpy as np
rng = np.random.default_rng(112)
X = rng.normal(size=(150, 3)); y = (X[:, 1:2] > .2) * 1.0
W = rng.normal(size=(3, 1)); b = np.zeros(1)
def bce(y, p): return -np.mean(y * np.log(p + 1e-10))
for i in range(200):
    p = 1 / (1 + np.exp(-(X @ W + b)))
    loss = bce(y, p)
    W -= .5 * X.T @ (p - y) / 150; b -= .5 * (p - y).mean(0)
    if i % 40 == 0: print(i, loss)
