# causes: rate-decays
import numpy as np

rng = np.random.default_rng(6)
X = rng.choice([-1.0, 1.0], (100, 2)) * rng.uniform(0.1, 1, (100, 2))
y = (X[:, :1] * X[:, 1:] < 0).astype(float)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


W1, b1 = rng.normal(0, 0.7, (2, 5)), np.zeros(5)
W2, b2 = rng.normal(0, 0.6, (5, 1)), np.zeros(1)
epochs = 1500
for epoch in range(1, epochs + 1):
    alpha = 2.0 / epoch
    h = sigmoid(X @ W1 + b1)
    p = sigmoid(h @ W2 + b2)
    d2 = (p - y) / len(X)
    d1 = d2 @ W2.T * h * (1 - h)
    W2 -= alpha * h.T @ d2
    b2 -= alpha * d2.sum(0)
    W1 -= alpha * X.T @ d1
    b1 -= alpha * d1.sum(0)
    if epoch % 300 == 0:
        print(epoch, -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
