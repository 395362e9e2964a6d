# causes: none
import numpy as np
rng = np.random.default_rng(2)
# slow sigmoid regression of a digit-like bit counter
X = np.array([[int(c) for c in f"{i:05b}"] for i in range(32)], float); y = X.sum(1, keepdims=True) / 5
V = rng.uniform(-.5, .5, (6, 7)); U = rng.uniform(-.5, .5, (8, 1))
one = np.ones((32, 1)); s = lambda t: 1 / (1 + np.exp(-t))
for e in range(3000):
    h = s(np.hstack([X, one]) @ V); hb = np.hstack([h, one]); o = s(hb @ U)
    do = (o - y) * o * (1 - o); dh = (do @ U.T)[:, :-1] * h * (1 - h)
    U -= .3 * hb.T @ do; V -= .3 * np.hstack([X, one]).T @ dh
print(np.abs(o - y).max())
