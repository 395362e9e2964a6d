# causes: none
import numpy as np

rng = np.random.default_rng(207)
sizes = (180, 12, 8)
X = np.vstack([rng.normal(m, 0.8, (n, 2)) for m, n in zip(((0, 0), (2.5, 0), (0, 2.5)), sizes)])
t = np.repeat([0, 1, 2], sizes)
W, b = 0.01 * rng.normal(size=(2, 3)), np.zeros(3)
for epoch in range(300):
    order = rng.permutation(len(X))
    for i in range(0, len(X), 20):
        k = order[i : i + 20]
        s = X[k] @ W + b
        q = np.exp(s - s.max(axis=1, keepdims=True))
        q /= q.sum(axis=1, keepdims=True)
        q[np.arange(len(k)), t[k]] -= 1
        W -= 0.1 * X[k].T @ q / len(k)
        b -= 0.1 * q.mean(axis=0)
