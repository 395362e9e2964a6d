# causes: none
import numpy as np
np.random.seed(3)
X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([0, 1, 1, 1])
w = np.random.randn(3)
for epoch in range(300):
    total_error = 0
    for x, t in zip(X, y):
        o = 1 / (1 + np.exp(-x @ w))
        error = t - o
        total_error += abs(error)
        w += 0.5 * error * x
    if epoch % 50 == 0:
        print(epoch, total_error)
