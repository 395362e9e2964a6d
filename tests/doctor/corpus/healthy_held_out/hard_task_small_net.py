# causes: none
import numpy as np
rng = np.random.default_rng(14)
X = rng.normal(size=(300, 2)); y = ((np.sin(3 * X[:, 0]) + np.cos(3 * X[:, 1])) > 0).astype(float)[:, None]
W1 = rng.normal(0, 1, (2, 6)); b1 = np.zeros(6); W2 = rng.normal(0, .5, (6, 1)); b2 = np.zeros(1)
for e in range(800):
    h = np.tanh(X @ W1 + b1); p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d = (p - y) / 300; dh = d @ W2.T * (1 - h ** 2)
    W2 -= .5 * h.T @ d; b2 -= .5 * d.sum(0); W1 -= .5 * X.T @ dh; b1 -= .5 * dh.sum(0)
    if e % 200 == 0: print(e, ((p > .5) == y).mean())
