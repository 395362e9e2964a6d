# causes: all-positive-init
import numpy as np

np.random.seed(10)
X = np.random.uniform(-1, 1, (100, 2))
y = (X[:, :1] > X[:, 1:]).astype(float)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


W1 = np.random.rand(2, 80)
W2 = np.random.rand(80, 80)
W3 = np.random.rand(80, 1)
for epoch in range(400):
    a1 = sigmoid(X @ W1)
    a2 = sigmoid(a1 @ W2)
    a3 = sigmoid(a2 @ W3)
    d3 = (a3 - y) / len(X)
    d2 = d3 @ W3.T * a2 * (1 - a2)
    d1 = d2 @ W2.T * a1 * (1 - a1)
    W3 -= 0.5 * a2.T @ d3
    W2 -= 0.5 * a1.T @ d2
    W1 -= 0.5 * X.T @ d1
