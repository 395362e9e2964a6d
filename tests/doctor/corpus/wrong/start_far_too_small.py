# causes: init-too-small
import numpy as np

rng = np.random.default_rng(30)
X = rng.normal(size=(100, 3))
y = (X[:, :1] - X[:, 1:2] > 0).astype(float)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


Ws = [rng.normal(0, 0.0001, s) for s in ((3, 8), (8, 8), (8, 8), (8, 1))]
bs = [np.zeros(n) for n in (8, 8, 8, 1)]
for epoch in range(600):
    acts = [X]
    for W, b in zip(Ws[:-1], bs[:-1]):
        acts.append(np.tanh(acts[-1] @ W + b))
    p = sigmoid(acts[-1] @ Ws[-1] + bs[-1])
    delta = (p - y) / len(X)
    for k in reversed(range(4)):
        gW, gb = acts[k].T @ delta, delta.sum(axis=0)
        if k:
            delta = delta @ Ws[k].T * (1 - acts[k] ** 2)
        Ws[k] -= 0.5 * gW
        bs[k] -= 0.5 * gb
