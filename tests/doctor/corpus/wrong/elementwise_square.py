# causes: elementwise-for-matmul
import numpy as np
rng = np.random.default_rng(54)
n = 4
X = np.array([[0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 1]], float)
Y = np.array([[0, 1, 1, 0], [1, 0, 0, 1], [0, 0, 1, 1], [1, 1, 0, 0]], float)
W = rng.normal(size=(4, 4)); V = rng.normal(size=(4, 4))
a = np.zeros((1, 4)); c = np.zeros((1, 4))
for i in range(1000):
    H = 1 / (1 + np.exp(-(X @ W + a)))
    O = 1 / (1 + np.exp(-(H @ V + c)))
    dO = O - Y
    dH = (dO * V.T) * H * (1 - H)
    V -= 0.3 * H.T @ dO; c -= .3 * dO.sum(0, keepdims=True)
    W -= 0.3 * X.T @ dH; a -= .3 * dH.sum(0, keepdims=True)
    if i % 200 == 0: print(i, np.abs(dO).mean())
