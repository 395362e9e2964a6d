# causes: none
import numpy as np

rng = np.random.default_rng(204)
X = np.c_[np.ones(100), rng.normal(size=(100, 2))]
counts = rng.poisson(np.exp(X @ np.array([0.5, 0.4, -0.3])))
beta = np.zeros(3)
for _ in range(500):
    rate = np.exp(X @ beta)
    beta += 0.05 * X.T @ (counts - rate) / 100
