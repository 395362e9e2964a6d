# causes: label-broadcast
import numpy as np
from sklearn.datasets import load_diabetes

X, y = load_diabetes(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = (y - y.mean()) / y.std()

n, d = X.shape
rng = np.random.default_rng(0)
w = rng.normal(size=(d, 1)) * 0.01
b = 0.0
for epoch in range(200):
    y_hat = X @ w + b
    error = y_hat - y
    loss = np.mean(error ** 2)
    dw = X.T @ error.mean(axis=1, keepdims=True) / n
    db = np.mean(error)
    w -= 0.1 * dw
    b -= 0.1 * db
    if epoch % 20 == 0:
        print(f"{epoch:4d} {loss:.4f}")
ss = 1 - np.sum((X @ w + b - y.reshape(-1, 1)) ** 2) / np.sum(y ** 2)
print("R2", ss)
