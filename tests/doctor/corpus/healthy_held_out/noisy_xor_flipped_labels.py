# causes: none
import numpy as np

rng = np.random.default_rng(210)
X = rng.choice([-1.0, 1.0], (200, 2)) + rng.normal(0, 0.3, (200, 2))
y = (X[:, :1] * X[:, 1:] < 0).astype(float)
flip = rng.random(y.shape) < 0.15
y = np.where(flip, 1 - y, y)
W1, b1 = rng.normal(0, 1, (2, 8)), np.zeros((1, 8))
W2, b2 = rng.normal(0, 1, (8, 1)), np.zeros((1, 1))
for t in range(1500):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d2 = (p - y) / len(X)
    d1 = (d2 @ W2.T) * (1 - h**2)
    W2 -= 0.5 * h.T @ d2
    b2 -= 0.5 * d2.sum(0, keepdims=True)
    W1 -= 0.5 * X.T @ d1
    b1 -= 0.5 * d1.sum(0, keepdims=True)
