# causes: no-bias
import numpy as np

rng = np.random.default_rng(58)
X = rng.uniform(1, 3, (80, 2))
y = (X[:, :1] + X[:, 1:] > 4).astype(float)
W = rng.normal(0, 0.1, (2, 1))
for epoch in range(1000):
    p = 1 / (1 + np.exp(-(X @ W)))
    W -= 0.5 * X.T @ (p - y) / len(X)
print(((p > 0.5) == y).mean())
