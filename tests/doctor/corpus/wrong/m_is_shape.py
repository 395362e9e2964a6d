# causes: m-is-shape
import numpy as np
np.random.seed(49)
X = np.random.randn(3, 40); Y = (X.sum(0, keepdims=True) > 0) * 1.
w = np.zeros((3, 1)); b = np.zeros((1, 1))
m = X.shape
for i in range(100):
    A = 1 / (1 + np.exp(-(w.T @ X + b)))
    dw = X @ (A - Y).T / m
    db = np.sum(A - Y) / m
    w = w - .1 * dw; b = b - .1 * db
print(w)
