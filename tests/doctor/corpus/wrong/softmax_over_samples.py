# causes: softmax-axis
import numpy as np

rng = np.random.default_rng(42)
X = rng.normal(size=(60, 2)) + np.repeat(np.array([[0, 3], [3, -2], [-3, -2]]), 20, axis=0)
Y = np.eye(3)[np.repeat(np.arange(3), 20)]
W = rng.normal(0, 0.1, (2, 3))
b = np.zeros(3)


def softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e, axis=0)


for i in range(300):
    P = softmax(X @ W + b)
    dW = X.T @ (P - Y) / 60
    db = (P - Y).mean(axis=0)
    W -= 0.5 * dW
    b -= 0.5 * db
