# causes: unlucky-start
import numpy as np
np.random.seed(2)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
y = np.array([[0], [1], [1], [0]], dtype=float)
W1 = np.random.randn(2, 2); b1 = np.zeros((1, 2))
W2 = np.random.randn(2, 1); b2 = np.zeros((1, 1))
sig = lambda z: 1 / (1 + np.exp(-z))
for epoch in range(6000):
    a1 = sig(X @ W1 + b1)
    a2 = sig(a1 @ W2 + b2)
    d2 = a2 - y
    d1 = d2 @ W2.T * a1 * (1 - a1)
    W2 -= 0.5 * a1.T @ d2
    b2 -= 0.5 * d2.sum(0, keepdims=True)
    W1 -= 0.5 * X.T @ d1
    b1 -= 0.5 * d1.sum(0, keepdims=True)
    if epoch % 1000 == 0:
        print(epoch, np.mean((a2 - y) ** 2))
print(a2.round(2))
