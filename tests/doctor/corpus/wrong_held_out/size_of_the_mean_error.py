# causes: loss-misreported
import numpy as np
rng = np.random.default_rng(71)
X = rng.normal(size=(200, 3)); y = np.tanh(X @ [1., -2., .5]) + .3
W, b, v, c = rng.normal(0, .5, (3, 10)), np.zeros(10), rng.normal(0, .3, 10), 0.0
history = []
for it in range(500):
    h = np.tanh(X @ W + b)
    yhat = h @ v + c
    resid = yhat - y
    loss = np.abs(np.mean(resid))
    history.append(loss)
    g = 2 * resid / len(y)
    gh = np.outer(g, v) * (1 - h ** 2)
    v = v - .1 * h.T @ g; c = c - .1 * g.sum(); W = W - .1 * X.T @ gh; b = b - .1 * gh.sum(0)
    if it % 100 == 0: print(it, loss)
