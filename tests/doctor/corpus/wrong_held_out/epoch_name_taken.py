# causes: loop-variable-reused
import numpy as np

rng = np.random.default_rng(2)
X = rng.normal(size=(120, 2))
y = (X.sum(axis=1) > 0).astype(float)
w = np.zeros(2)
b = 0.0
lr0 = 0.5

for i in range(40):
    for i in range(len(X)):
        p = 1 / (1 + np.exp(-(X[i] @ w + b)))
        err = p - y[i]
        w -= lr0 / (1 + i) ** 2 * err * X[i]
        b -= lr0 / (1 + i) ** 2 * err
    if i % 10 == 0:
        acc = np.mean((X @ w + b > 0) == y)
        print("epoch", i, "accuracy", acc)
print("final accuracy", np.mean((X @ w + b > 0) == y))
