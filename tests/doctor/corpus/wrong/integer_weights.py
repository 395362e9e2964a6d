# causes: integer-array
import numpy as np

x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
t = np.array([0, 1, 1, 1])
w = np.array([1, -1, 0])
for epoch in range(100):
    for i in range(4):
        y = 1 / (1 + np.exp(-(x[i] @ w)))
        g = (y - t[i]) * x[i]
        for j in range(3):
            w[j] = w[j] - 0.1 * g[j]
