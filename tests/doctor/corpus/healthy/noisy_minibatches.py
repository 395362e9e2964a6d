# causes: none
import numpy as np

rng = np.random.default_rng(3)
N = 300
X = rng.normal(size=(N, 4))
y = (X @ [1.0, -1.0, 0.5, 0.0] + rng.normal(0, 1.0, N) > 0).astype(float)
w, b = np.zeros(4), 0.0
for epoch in range(20):
    order = rng.permutation(N)
    for start in range(0, N, 8):
        batch = order[start : start + 8]
        p = 1 / (1 + np.exp(-(X[batch] @ w + b)))
        error = p - y[batch]
        w -= 0.3 * X[batch].T @ error / len(batch)
        b -= 0.3 * error.mean()
    accuracy = np.mean((X @ w + b > 0) == y)
