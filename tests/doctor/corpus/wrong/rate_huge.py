# causes: step-too-large
import numpy as np

np.random.seed(2)
X = np.random.uniform(-1, 1, (80, 3))
y = np.tanh(X[:, :1] - 2 * X[:, 1:2] * X[:, 2:])
W1 = np.random.randn(3, 8) * 0.5
b1 = np.zeros((1, 8))
W2 = np.random.randn(8, 1) * 0.5
b2 = np.zeros((1, 1))
lr = 60.0
for step in range(600):
    h = np.tanh(X @ W1 + b1)
    out = np.tanh(h @ W2 + b2)
    d2 = 2 * (out - y) * (1 - out**2) / len(X)
    d1 = d2 @ W2.T * (1 - h**2)
    W2 -= lr * h.T @ d2
    b2 -= lr * d2.sum(axis=0)
    W1 -= lr * X.T @ d1
    b1 -= lr * d1.sum(axis=0)
print(np.mean((out - y) ** 2))
