# causes: none
import numpy as np

np.random.seed(22)
X = np.random.randn(100, 4)
Y = np.eye(3)[np.argmax(X[:, :3], axis=1)]
lam = 0.01


def lrelu(z):
    return np.where(z > 0, z, 0.01 * z)


def dlrelu(z):
    return np.where(z > 0, 1.0, 0.01)


W1 = np.random.randn(4, 12) * np.sqrt(2 / 4)
b1 = np.zeros((1, 12))
W2 = np.random.randn(12, 3) * np.sqrt(2 / 12)
b2 = np.zeros((1, 3))
for epoch in range(400):
    z1 = X @ W1 + b1
    a1 = lrelu(z1)
    z2 = a1 @ W2 + b2
    e = np.exp(z2 - np.max(z2, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    dz2 = (p - Y) / X.shape[0]
    dW2 = a1.T @ dz2 + lam * W2
    db2 = np.sum(dz2, axis=0, keepdims=True)
    dz1 = dz2 @ W2.T * dlrelu(z1)
    dW1 = X.T @ dz1 + lam * W1
    db1 = np.sum(dz1, axis=0, keepdims=True)
    W1, b1, W2, b2 = W1 - 0.5 * dW1, b1 - 0.5 * db1, W2 - 0.5 * dW2, b2 - 0.5 * db2
