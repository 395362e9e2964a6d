# causes: none
import numpy as np
rng = np.random.default_rng(15)
c = rng.integers(0, 3, 90); X = (rng.normal(0, .7, (90, 2)) + np.array([[0, 2], [2, -1], [-2, -1]])[c]).T
Y = np.eye(3)[c].T
W = rng.normal(0, .1, (3, 2)); b = np.zeros((3, 1))
for i in range(300):
    Z = W @ X + b
    L = Z - np.log(np.exp(Z - Z.max(0)).sum(0)) - Z.max(0)
    P = np.exp(L)
    W -= .3 * (P - Y) @ X.T / 90; b -= .3 * (P - Y).mean(1, keepdims=True)
    if i % 100 == 0: print(i, -(Y * L).sum() / 90, (P.argmax(0) == c).mean())
