# causes: none
import itertools
import numpy as np
X = np.array(list(itertools.product([-1., 1.], repeat=3))); y = (X.prod(1, keepdims=True) > 0) * 1.
rng = np.random.default_rng(2)
W1 = rng.normal(0, .5, (3, 8)); b1 = np.zeros(8); W2 = rng.normal(0, .5, (8, 1)); b2 = np.zeros(1)
for e in range(3000):
    h = np.tanh(X @ W1 + b1); p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d = (p - y) / 8; dh = d @ W2.T * (1 - h * h)
    W2 -= .3 * h.T @ d; b2 -= .3 * d.sum(0); W1 -= .3 * X.T @ dh; b1 -= .3 * dh.sum(0)
    if e % 300 == 0: print(e, -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())
