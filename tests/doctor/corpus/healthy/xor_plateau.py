# causes: none
import numpy as np

rng = np.random.default_rng(1)
signs = rng.choice([-1.0, 1.0], (100, 2))
X = signs * rng.uniform(0.1, 1, (100, 2))
y = (signs[:, :1] != signs[:, 1:]).astype(float)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


sizes = [2, 5, 5, 1]
W = [rng.normal(0, np.sqrt(2 / (a + b)), (a, b)) for a, b in zip(sizes[:-1], sizes[1:])]
b = [np.zeros(n) for n in sizes[1:]]
for epoch in range(2000):
    a1 = sigmoid(X @ W[0] + b[0])
    a2 = sigmoid(a1 @ W[1] + b[1])
    p = sigmoid(a2 @ W[2] + b[2])
    d3 = (p - y) / len(X)
    d2 = d3 @ W[2].T * a2 * (1 - a2)
    d1 = d2 @ W[1].T * a1 * (1 - a1)
    for k, (a, d) in enumerate([(X, d1), (a1, d2), (a2, d3)]):
        W[k] = W[k] - 2.0 * a.T @ d
        b[k] = b[k] - 2.0 * d.sum(axis=0)
