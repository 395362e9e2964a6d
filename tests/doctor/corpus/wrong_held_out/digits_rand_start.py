# causes: all-positive-init|saturated
import numpy as np
from sklearn.datasets import load_digits

X, t = load_digits(return_X_y=True)
X = X / 16
T = np.eye(10)[t]

np.random.seed(0)
W1 = np.random.rand(64, 30)
b1 = np.random.rand(30)
W2 = np.random.rand(30, 10)
b2 = np.random.rand(10)

def sigm(x):
    return 1 / (1 + np.exp(-x))

for epoch in range(300):
    A1 = sigm(X @ W1 + b1)
    A2 = sigm(A1 @ W2 + b2)
    D2 = (A2 - T) * A2 * (1 - A2)
    D1 = D2 @ W2.T * A1 * (1 - A1)
    W2 -= 0.5 * A1.T @ D2 / len(X)
    b2 -= 0.5 * D2.mean(axis=0)
    W1 -= 0.5 * X.T @ D1 / len(X)
    b1 -= 0.5 * D1.mean(axis=0)
    if epoch % 30 == 0:
        print(epoch, np.mean((A2 - T) ** 2), np.mean(A2.argmax(1) == t))
