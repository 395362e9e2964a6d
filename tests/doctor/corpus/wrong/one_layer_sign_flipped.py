# causes: wrong-sign
import numpy as np

rng = np.random.default_rng(8)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


X = rng.normal(size=(100, 2))
y = ((X[:, 0] - X[:, 1]) ** 2 < 1).astype(float).reshape(-1, 1)
W1 = rng.normal(0, 1, (2, 6))
b1 = np.zeros(6)
W2 = rng.normal(0, 1, (6, 1))
b2 = np.zeros(1)


def step(lr):
    global W1, b1, W2, b2
    a1 = sigmoid(X @ W1 + b1)
    p = sigmoid(a1 @ W2 + b2)
    delta = (y - p) / len(X)
    hidden_delta = delta @ W2.T * a1 * (1 - a1)
    W2 += lr * a1.T @ delta
    b2 += lr * delta.sum(axis=0)
    W1 -= lr * X.T @ hidden_delta
    b1 -= lr * hidden_delta.sum(axis=0)
    return float(np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p)))


for epoch in range(1000):
    loss = step(1.0)
    if epoch % 100 == 0:
        print(loss)
