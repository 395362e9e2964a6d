# causes: none
import numpy as np

rng = np.random.default_rng(2)
X = rng.normal(size=(80, 2))
y = (X[:, :1] + X[:, 1:] > 0).astype(float)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


W = [rng.normal(0, 1.2, s) for s in ((2, 6), (6, 6), (6, 6), (6, 1))]
b = [np.zeros(n) for n in (6, 6, 6, 1)]
for epoch in range(2500):
    acts = [X]
    for Wk, bk in zip(W, b):
        acts.append(sigmoid(acts[-1] @ Wk + bk))
    delta = (acts[-1] - y) / len(X)
    for k in range(3, -1, -1):
        gW = acts[k].T @ delta
        gb = delta.sum(axis=0)
        if k > 0:
            delta = (delta @ W[k].T) * acts[k] * (1 - acts[k])
        W[k] -= 1.5 * gW
        b[k] -= 1.5 * gb
