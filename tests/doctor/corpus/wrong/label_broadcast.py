# causes: label-broadcast
import numpy as np
np.random.seed(35)
X = np.random.randn(50, 3)
y = X @ np.array([1.5, -2.0, 0.5]) + 0.3
W = np.random.randn(3, 1); b = np.zeros(1)
losses = []
for i in range(400):
    pred = X @ W + b
    diff = pred - y
    losses.append((diff ** 2).mean())
    W -= 0.05 * X.T @ diff.mean(axis=1, keepdims=True) * 2 / 50
    b -= 0.05 * diff.mean()
print(losses[0], losses[-1])
