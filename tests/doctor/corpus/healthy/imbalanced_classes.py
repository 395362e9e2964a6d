# causes: none
import numpy as np

rng = np.random.default_rng(5)
X = np.r_[rng.normal(0, 1, (190, 2)), rng.normal(2.2, 0.7, (10, 2))]
y = np.r_[np.zeros(190), np.ones(10)][:, None]
W1, b1 = rng.normal(0, 0.7, (2, 6)), np.zeros((1, 6))
W2, b2 = rng.normal(0, 0.5, (6, 1)), np.zeros((1, 1))
for t in range(1500):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    d2 = (p - y) / 200
    d1 = (d2 @ W2.T) * (1 - h**2)
    W2 -= 0.5 * (h.T @ d2)
    b2 -= 0.5 * d2.sum(axis=0, keepdims=True)
    W1 -= 0.5 * (X.T @ d1)
    b1 -= 0.5 * d1.sum(axis=0, keepdims=True)
