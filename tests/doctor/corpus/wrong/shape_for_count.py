# causes: m-is-shape
import numpy as np

rng = np.random.default_rng(54)
X = rng.normal(size=(50, 3))
y = (X[:, 0] > 0).astype(float)
m = X.shape
w = np.zeros(3)
for i in range(100):
    p = 1 / (1 + np.exp(-X @ w))
    w -= 0.1 * (X.T @ (p - y)) / m
