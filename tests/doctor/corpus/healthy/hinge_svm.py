# causes: none
import numpy as np
rng = np.random.default_rng(15)
X = np.r_[rng.normal(1.2, 1, (60, 2)), rng.normal(-1.2, 1, (60, 2))]
y = np.r_[np.ones(60), -np.ones(60)]
w = np.zeros(2); b = 0.0
C = 0.01
for epoch in range(100):
    for i in rng.permutation(120):
        margin = y[i] * (X[i] @ w + b)
        if margin < 1:
            w = w - 0.01 * (C * w - y[i] * X[i])
            b = b + 0.01 * y[i]
        else:
            w = w - 0.01 * C * w
print("accuracy", np.mean(np.sign(X @ w + b) == y))
