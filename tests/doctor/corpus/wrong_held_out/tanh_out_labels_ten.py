# causes: target-out-of-range
import numpy as np
rng = np.random.default_rng(30)
x = rng.uniform(0, 1, (100, 1)); y = 10 * x ** 2
W1, b1, W2, b2 = rng.normal(0, 1, (1, 10)), np.zeros(10), rng.normal(0, .3, (10, 1)), np.zeros(1)
for e in range(500):
    h = np.tanh(x @ W1 + b1); o = np.tanh(h @ W2 + b2)
    g = 2 * (o - y) / 100 * (1 - o ** 2)
    gh = g @ W2.T * (1 - h ** 2)
    W2 -= .1 * h.T @ g; b2 -= .1 * g.sum(0); W1 -= .1 * x.T @ gh; b1 -= .1 * gh.sum(0)
    if e % 50 == 0: print(e, np.mean((o - y) ** 2))
