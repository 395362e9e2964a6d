# causes: none
import numpy as np

rng = np.random.default_rng(10)
X = np.c_[np.ones(60), rng.uniform(-1, 1, 60)]
y = X @ [0.5, 2.0] + rng.normal(0, 0.2, 60)
theta = np.zeros(2)
costs = []
for _ in range(300):
    residual = X @ theta - y
    costs.append(residual @ residual / 120)
    theta -= 0.1 * X.T @ residual / 60
