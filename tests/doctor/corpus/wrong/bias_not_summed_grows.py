# causes: parameter-grew|bias-axis
import numpy as np

rng = np.random.default_rng(12)
X = rng.uniform(-1, 1, (40, 2))
y = (X[:, [0]] + X[:, [1]] > 0).astype(float)
W = rng.normal(0, 0.1, (2, 1))
b = np.zeros((1, 1))
for _ in range(300):
    p = 1 / (1 + np.exp(-(X @ W + b)))
    dz = p - y
    W = W - 0.1 * X.T @ dz / 40
    b = b - 0.1 * dz / 40
print("train accuracy", ((p > 0.5) == y).mean())
