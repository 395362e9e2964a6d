# causes: none
import numpy as np

rng = np.random.default_rng(3)
X = rng.normal(size=(100, 4))
y = X @ np.array([[1.0], [2], [-1], [0.5]]) + 0.3 + 0.1 * rng.normal(size=(100, 1))
W1, W2, b = rng.normal(0, 0.5, (4, 5)), rng.normal(0, 0.5, (5, 1)), np.zeros(1)
for i in range(400):
    H = X @ W1
    e = (H @ W2 + b - y) / len(X)
    g1 = X.T @ (e @ W2.T)
    W2 -= 0.1 * H.T @ e
    b -= 0.1 * e.sum(0)
    W1 -= 0.1 * g1
print(np.mean((X @ W1 @ W2 + b - y) ** 2))
