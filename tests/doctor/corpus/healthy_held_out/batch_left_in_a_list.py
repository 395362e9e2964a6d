# causes: none
import numpy as np

rng = np.random.default_rng(5)
n = 300
angle = rng.uniform(0, 2 * np.pi, n)
radius = np.where(np.arange(n) % 2 == 0, rng.uniform(0, 0.6, n), rng.uniform(0.9, 1.3, n))
X, Y = np.stack([radius * np.cos(angle), radius * np.sin(angle)]), (np.arange(n) % 2)[None]
W = [rng.normal(0, 0.8, (8, 2)), rng.normal(0, 0.4, (1, 8))]
B = [np.zeros((8, 1)), np.zeros((1, 1))]
for epoch in range(60):
    order = rng.permutation(n)
    for s in range(0, n, 50):
        rows = order[s : s + 50]
        A = [X[:, rows]]
        A.append(np.tanh(W[0] @ A[-1] + B[0]))
        A.append(1 / (1 + np.exp(-(W[1] @ A[-1] + B[1]))))
        d = (A[-1] - Y[:, rows]) / len(rows)
        for k in (1, 0):
            g, gb = d @ A[k].T, d.sum(axis=1, keepdims=True)
            d = W[k].T @ d * (1 - A[k] ** 2)
            W[k] -= 1.0 * g
            B[k] -= 1.0 * gb
print(np.mean((A[-1] > 0.5) == Y[:, rows]))
