# causes: none
import numpy as np

rng = np.random.default_rng(23)
X = np.r_[rng.normal(0, 1, (180, 2)), rng.normal(2, 0.8, (20, 2))]
y = np.r_[np.zeros(180), np.ones(20)]
weight = np.where(y == 1, 9.0, 1.0)
w, b = np.zeros(2), 0.0
for i in range(500):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.mean(weight * (y * np.log(p) + (1 - y) * np.log(1 - p)))
    d = weight * (p - y) / len(y)
    w -= 0.2 * X.T @ d
    b -= 0.2 * d.sum()
