# causes: none
import numpy as np

rng = np.random.default_rng(19)
X = rng.uniform(-1, 1, (256, 2))
y = (X[:, 0] ** 2 + X[:, 1] ** 2 < 0.6).astype(float)[:, None]


def batches(size):
    order = rng.permutation(len(X))
    for start in range(0, len(X), size):
        chosen = order[start : start + size]
        yield X[chosen], y[chosen]


theta = [rng.normal(0, 1, (2, 10)), np.zeros(10), rng.normal(0, 0.5, (10, 1)), np.zeros(1)]
for epoch in range(150):
    for xb, yb in batches(32):
        W1, b1, W2, b2 = theta
        h = np.tanh(xb @ W1 + b1)
        p = 1 / (1 + np.exp(-(h @ W2 + b2)))
        d2 = (p - yb) / len(xb)
        d1 = d2 @ W2.T * (1 - h**2)
        grads = [xb.T @ d1, d1.sum(0), h.T @ d2, d2.sum(0)]
        theta = [t - 0.5 * g for t, g in zip(theta, grads)]
