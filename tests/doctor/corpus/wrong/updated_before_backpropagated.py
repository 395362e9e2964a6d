# causes: updated-too-early
import numpy as np

rng = np.random.default_rng(9)
X = rng.choice([-1.0, 1.0], (50, 2)) * rng.uniform(0.2, 1, (50, 2))
t = (X[:, :1] * X[:, 1:] < 0) * 1.0
W1 = rng.normal(0, 1, (2, 5))
b1 = np.zeros((1, 5))
W2 = rng.normal(0, 1, (5, 1))
b2 = np.zeros((1, 1))
lr = 5.0
for epoch in range(2000):
    a1 = 1 / (1 + np.exp(-(X @ W1 + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    d2 = (a2 - t) / len(X)
    W2 = W2 - lr * a1.T @ d2
    b2 = b2 - lr * d2.sum(axis=0, keepdims=True)
    d1 = d2 @ W2.T * a1 * (1 - a1)
    W1 = W1 - lr * X.T @ d1
    b1 = b1 - lr * d1.sum(axis=0, keepdims=True)
