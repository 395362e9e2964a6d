# causes: evaluation-wrong|loss-misreported
import numpy as np
rng = np.random.default_rng(4)
X = rng.normal(size=(200, 3)); y = (X.sum(1) > 0).astype(float).reshape(-1, 1)
w = rng.normal(size=(3, 1)); b = np.zeros(1)
for epoch in range(100):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    w -= .5 * X.T @ (p - y) / 200
    b -= .5 * (p - y).mean(0)
    acc = np.mean(p == y)
    if epoch % 10 == 0: print("epoch", epoch, "accuracy", acc)
