# causes: log-zero
import numpy as np

rng = np.random.default_rng(5)
X = np.vstack([rng.normal(-3, 1, (100, 2)), rng.normal(3, 1, (100, 2))]) * 10
y = np.r_[np.zeros(100), np.ones(100)].reshape(-1, 1)

w = rng.normal(size=(2, 1))
b = np.zeros((1, 1))
costs = []
for k in range(200):
    a = 1 / (1 + np.exp(-(X @ w + b)))
    cost = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    costs.append(cost)
    dz = a - y
    w = w - 0.5 * X.T @ dz / len(X)
    b = b - 0.5 * dz.mean()
    if k % 20 == 0:
        print(k, cost)
