# causes: updated-too-early
import numpy as np

np.random.seed(5)
# circles by hand
n = 150
angle = np.random.rand(n) * 2 * np.pi
r = np.where(np.arange(n) < n // 2, 0.4, 1.0) + np.random.randn(n) * 0.05
X = np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1)
y = (np.arange(n) >= n // 2).astype(float).reshape(-1, 1)


def sig(z):
    return 1.0 / (1.0 + np.exp(-z))


def train(X, y, hidden=6, epochs=2000, eta=3.0):
    w1 = np.random.randn(2, hidden)
    b1 = np.zeros((1, hidden))
    w2 = np.random.randn(hidden, 1)
    b2 = np.zeros((1, 1))
    for ep in range(epochs):
        z1 = X @ w1 + b1
        a1 = np.tanh(z1)
        z2 = a1 @ w2 + b2
        a2 = sig(z2)
        dz2 = (a2 - y) / len(X)
        w2 -= eta * a1.T @ dz2
        b2 -= eta * dz2.sum(axis=0, keepdims=True)
        dz1 = (dz2 @ w2.T) * (1 - a1 ** 2)
        w1 -= eta * X.T @ dz1
        b1 -= eta * dz1.sum(axis=0, keepdims=True)
        if ep % 500 == 0:
            cost = -np.mean(y * np.log(a2 + 1e-9) + (1 - y) * np.log(1 - a2 + 1e-9))
            print("epoch", ep, "cost", cost)
    return w1, b1, w2, b2


w1, b1, w2, b2 = train(X, y)
pred = sig(np.tanh(X @ w1 + b1) @ w2 + b2) > 0.5
print("accuracy", (pred == y).mean())
