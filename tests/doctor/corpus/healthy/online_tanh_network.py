# causes: none
import numpy as np

rng = np.random.default_rng(25)
X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], float)
T = np.array([-1, 1, 1, -1], float)
W, b = rng.normal(0, 1, (4, 2)), rng.normal(0, 1, 4)
v, c = rng.normal(0, 1, 4), 0.0
for epoch in range(800):
    for n in rng.permutation(4):
        x, t = X[n], T[n]
        h = np.tanh(W @ x + b)
        o = np.tanh(v @ h + c)
        delta = (o - t) * (1 - o * o)
        dh = delta * v * (1 - h * h)
        v = v - 0.1 * delta * h
        c = c - 0.1 * delta
        W = W - 0.1 * np.outer(dh, x)
        b = b - 0.1 * dh
