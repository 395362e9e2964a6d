# causes: none
import numpy as np

rng = np.random.default_rng(211)
X = rng.normal(size=(90, 2))
y = (X[:, 0] + 0.5 * X[:, 1] + rng.normal(0, 0.5, 90) > 0).astype(float)
theta = np.zeros(2)
offset = 0.0
for i in range(300):
    p = 1 / (1 + np.exp(-(X @ theta + offset)))
    log_likelihood = np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    theta = theta + 0.5 * X.T @ (y - p) / 90
    offset = offset + 0.5 * np.mean(y - p)
