# causes: metric-never-reset
import numpy as np
rng = np.random.default_rng(115)
X = rng.normal(size=(100, 2)); y = (X[:, 0] > 0).astype(int)
w = np.zeros(2); b = 0.
correct = 0
for epoch in range(15):
    for i in range(100):
        p = 1 / (1 + np.exp(-(X[i] @ w + b)))
        correct += int((p > .5) == y[i])
        w -= .1 * (p - y[i]) * X[i]; b -= .1 * (p - y[i])
    print("epoch", epoch, "acc", correct / 100)
