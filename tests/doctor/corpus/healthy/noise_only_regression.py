# causes: none
import numpy as np

rng = np.random.default_rng(17)
X = rng.normal(size=(200, 2))
y = 0.3 * X[:, 0] + rng.normal(0, 1, 200)
w, b = np.zeros(2), 0.0
for i in range(300):
    error = X @ w + b - y
    w -= 0.05 * X.T @ error / 200
    b -= 0.05 * error.mean()
    if i % 100 == 0:
        print((error**2).mean())
