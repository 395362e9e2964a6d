# causes: shuffled-without-labels
import numpy as np

rng = np.random.default_rng(55)
X = rng.normal(size=(100, 2))
y = (X[:, 0] + X[:, 1] > 0).astype(float).reshape(-1, 1)
W = rng.normal(0, 0.1, (2, 1))
b = np.zeros(1)
for epoch in range(50):
    order = rng.permutation(100)
    X = X[order]
    for k in range(0, 100, 20):
        xb, yb = X[k : k + 20], y[k : k + 20]
        p = 1 / (1 + np.exp(-(xb @ W + b)))
        W -= 0.5 * xb.T @ (p - yb) / 20
        b -= 0.5 * (p - yb).mean(axis=0)
