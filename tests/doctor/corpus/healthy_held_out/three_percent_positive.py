# causes: none
import numpy as np
from numpy.random import default_rng
rng = default_rng(9)
y = np.zeros(600); y[:18] = 1
X = rng.normal(size=(600, 2)); X[:18] += [2.5, 2.5]
w, b = np.zeros(2), 0.
for i in range(2000):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    e = p - y
    w -= .3 * e @ X / 600
    b -= .3 * e.mean()
    if i % 200 == 0:
        print(f"{i}: accuracy {((p > .5) == y).mean():.3f}, baseline {1 - y.mean():.3f}, loss {-(y*np.log(p)+(1-y)*np.log(1-p)).mean():.4f}")
