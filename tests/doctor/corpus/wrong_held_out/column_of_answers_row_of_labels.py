# causes: label-broadcast
import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(200, 3))
y = (X @ np.array([1.0, -2.0, 0.5]) + 0.2 > 0).astype(float)   # shape (200,)
w = np.zeros((3, 1)); b = 0.0
for epoch in range(500):
    p = 1 / (1 + np.exp(-(X @ w + b)))    # (200, 1)
    err = p - y
    w -= 0.1 * X.T @ err.mean(axis=1, keepdims=True)
    b -= 0.1 * err.mean()
    if epoch % 100 == 0:
        print(epoch, "loss", -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
print("acc", ((p[:, 0] > 0.5) == y).mean())
