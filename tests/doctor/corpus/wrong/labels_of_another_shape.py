# causes: label-broadcast
import numpy as np

rng = np.random.default_rng(43)
X = rng.normal(size=(70, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
W = rng.normal(0, 0.1, (3, 1))
b = np.zeros(1)
for epoch in range(400):
    pred = X @ W + b
    error = pred - y
    loss = np.mean(error**2)
    W -= 0.1 * X.T @ error.mean(axis=1, keepdims=True) * 2 / 70
    b -= 0.1 * 2 * error.mean()
print(loss)
