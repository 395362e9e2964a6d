# causes: no-bias
import numpy as np
np.random.seed(21)
X = np.random.uniform(2, 4, (100, 2))
y = (X[:, 0] + X[:, 1] > 6).astype(float)
w = np.random.randn(2)
for epoch in range(300):
    wrong = 0
    for xi, yi in zip(X, y):
        p = 1 / (1 + np.exp(-w @ xi))
        w -= 0.1 * (p - yi) * xi
        wrong += (p > 0.5) != yi
    if epoch % 50 == 0:
        print("epoch", epoch, "wrong", wrong)
