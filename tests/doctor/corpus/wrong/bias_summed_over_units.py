# causes: bias-axis
import numpy as np


def relu(z):
    return np.maximum(z, 0)


rng = np.random.default_rng(5)
X = rng.normal(size=(64, 3))
target = np.sin(X[:, :1]) + 0.5 * X[:, 1:2]
W1, b1 = rng.normal(0, 0.8, (3, 10)), np.zeros((1, 10))
W2, b2 = rng.normal(0, 0.4, (10, 1)), np.zeros((1, 1))
lr = 0.05
for epoch in range(500):
    z1 = X @ W1 + b1
    a1 = relu(z1)
    pred = a1 @ W2 + b2
    diff = pred - target
    g2 = 2 * diff / len(X)
    g1 = (g2 @ W2.T) * (z1 > 0)
    W2 = W2 - lr * (a1.T @ g2)
    b2 = b2 - lr * g2.sum()
    W1 = W1 - lr * (X.T @ g1)
    b1 = b1 - lr * g1.sum()
    if epoch % 100 == 0:
        print((diff**2).mean())
