# causes: target-out-of-range
import numpy as np

np.random.seed(9)
X = np.random.uniform(0, 1, (60, 2))
y = 10 + 25 * X[:, :1] + 5 * X[:, 1:]
W1, b1 = np.random.randn(2, 5), np.zeros((1, 5))
W2, b2 = np.random.randn(5, 1), np.zeros((1, 1))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


for epoch in range(500):
    l1 = sigmoid(X @ W1 + b1)
    l2 = sigmoid(l1 @ W2 + b2)
    l2_delta = (y - l2) * l2 * (1 - l2)
    l1_delta = l2_delta.dot(W2.T) * l1 * (1 - l1)
    W2 += l1.T.dot(l2_delta) * 0.01
    b2 += l2_delta.sum(axis=0) * 0.01
    W1 += X.T.dot(l1_delta) * 0.01
    b1 += l1_delta.sum(axis=0) * 0.01
