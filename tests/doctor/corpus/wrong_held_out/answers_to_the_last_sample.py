# causes: evaluation-wrong
"""Which of two points is farther from the origin?  Online, with a report at the end."""
import numpy as np

rng = np.random.default_rng(8)
X = rng.uniform(-1, 1, (60, 4))
Y = (np.hypot(X[:, 0], X[:, 1]) > np.hypot(X[:, 2], X[:, 3])).astype(float)
W1, b1 = rng.normal(0, 0.7, (8, 4)), np.zeros(8)
w2, b2 = rng.normal(0, 0.5, 8), 0.0


def network(v):
    h = np.tanh(W1 @ v + b1)
    return h, 1 / (1 + np.exp(-(w2 @ h + b2)))


def answers(samples):
    found = []
    for sample in samples:
        found.append(network(x)[1])
    return np.array(found)


for epoch in range(300):
    for k in rng.permutation(60):
        x = X[k]
        h, p = network(x)
        d = p - Y[k]
        dh = d * w2 * (1 - h**2)
        w2 -= 0.1 * d * h
        b2 -= 0.1 * d
        W1 -= 0.1 * np.outer(dh, x)
        b1 -= 0.1 * dh
print("squared error:", np.mean((answers(X) - Y) ** 2))
