# causes: log-zero|zero-division
import numpy as np

rng = np.random.default_rng(40)
X = rng.normal(size=(50, 2)) * 4
y = (X[:, 0] > 0).astype(float)
w = np.zeros(2)
b = 0.0
for epoch in range(300):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dz = -(y / p - (1 - y) / (1 - p)) * p * (1 - p)
    w -= 3.0 * X.T @ dz
    b -= 3.0 * dz.sum()
    print(epoch, loss)
