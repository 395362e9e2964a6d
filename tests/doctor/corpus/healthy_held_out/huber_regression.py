# causes: none
import numpy as np

rng = np.random.default_rng(205)
X = rng.normal(size=(80, 2))
y = X @ np.array([2.0, -1.0]) + rng.standard_t(2, 80) * 0.3
w = np.zeros(2)
c = 0.0
delta = 1.0
for _ in range(400):
    r = X @ w + c - y
    loss = np.where(np.abs(r) <= delta, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)).mean()
    g = np.clip(r, -delta, delta) / len(y)
    w -= 0.3 * X.T @ g
    c -= 0.3 * g.sum()
