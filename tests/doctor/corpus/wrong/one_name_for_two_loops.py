# causes: loop-variable-reused
import numpy as np

rng = np.random.default_rng(61)
X = rng.normal(size=(40, 2))
y = (X[:, 0] + X[:, 1] > 0).astype(float)
w = np.zeros(2)
i = 0
for i in range(50):
    for i in range(len(X)):
        p = 1 / (1 + np.exp(-(w @ X[i])))
        w -= 0.1 * (p - y[i]) * X[i]
    if i % 10 == 0:
        print("epoch", i, np.mean((1 / (1 + np.exp(-X @ w)) > 0.5) == y))
