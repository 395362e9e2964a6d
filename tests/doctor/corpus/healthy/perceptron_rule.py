# causes: none
import numpy as np

rng = np.random.default_rng(11)
X = rng.normal(size=(60, 2))
X = X[np.abs(X[:, 0] + X[:, 1]) > 0.3]
y = np.where(X[:, 0] + X[:, 1] > 0, 1, 0)
w = np.zeros(2)
b = 0.0
for epoch in range(20):
    errors = 0
    for xi, target in zip(X, y):
        prediction = 1 if xi @ w + b >= 0 else 0
        update = 0.1 * (target - prediction)
        w += update * xi
        b += update
        errors += int(update != 0)
    print(errors)
