# causes: m-is-shape
import numpy as np

np.random.seed(1)
X = np.random.randn(100, 2)
Y = (X[:, 0] > X[:, 1]).astype(float).reshape(100, 1)
w = np.zeros((2, 1)); b = np.zeros((1, 1))
m = X.shape
for i in range(500):
    A = 1 / (1 + np.exp(-(X @ w + b)))
    dZ = A - Y
    dw = (X.T @ dZ).T / m
    db = np.sum(dZ) / m[0]
    w -= 0.5 * dw.T
    b -= 0.5 * db
    if i % 50 == 0:
        cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
        print("cost", cost)
