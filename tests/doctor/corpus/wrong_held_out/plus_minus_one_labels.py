# causes: labels-not-01
import numpy as np

np.random.seed(13)
X = np.random.randn(200, 2)
y = np.where(X[:, 0] + 2 * X[:, 1] - 0.5 > 0, 1, -1).reshape(-1, 1)

W1 = np.random.randn(2, 5) * 0.5; b1 = np.zeros((1, 5))
W2 = np.random.randn(5, 1) * 0.5; b2 = np.zeros((1, 1))

for epoch in range(500):
    a1 = np.tanh(X @ W1 + b1)
    a2 = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    a2 = np.clip(a2, 1e-7, 1 - 1e-7)
    loss = -np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    dz2 = (a2 - y) / len(X)
    dz1 = dz2 @ W2.T * (1 - a1 ** 2)
    W2 -= 0.1 * a1.T @ dz2
    b2 -= 0.1 * dz2.sum(axis=0)
    W1 -= 0.1 * X.T @ dz1
    b1 -= 0.1 * dz1.sum(axis=0)
    if epoch % 50 == 0:
        print(epoch, loss)
