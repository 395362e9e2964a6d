# causes: none
import numpy as np
from sklearn.datasets import load_digits

def sig(z): return 1 / (1 + np.exp(-z))

X = load_digits().data[:400] / 16
rng = np.random.RandomState(0)
W = rng.randn(64, 20) * 0.1
b = np.zeros(20)
c = np.zeros(64)
lr = 2.0
n = len(X)
for epoch in range(150):
    h = sig(X @ W + b)
    r = sig(h @ W.T + c)
    loss = np.sum((r - X) ** 2) / n
    dr = 2 * (r - X) * r * (1 - r) / n
    dh = (dr @ W) * h * (1 - h)
    dW = X.T @ dh + dr.T @ h
    W -= lr * 0.1 * dW
    b -= lr * 0.1 * dh.sum(axis=0)
    c -= lr * 0.1 * dr.sum(axis=0)
    if epoch % 15 == 0:
        print(f"{epoch} {loss:.3f}")
