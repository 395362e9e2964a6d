# causes: none
import numpy as np

rng = np.random.default_rng(13)
X = rng.normal(size=(90, 3))
y = np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:3]
W1, b1 = rng.normal(0, 0.6, (3, 20)), np.zeros(20)
W2, b2 = rng.normal(0, 0.3, (20, 1)), np.zeros(1)
for it in range(1500):
    h = np.tanh(X @ W1 + b1)
    out = h @ W2 + b2
    d = 2 * (out - y) / len(X)
    dh = d @ W2.T * (1 - h**2)
    grads = [X.T @ dh, dh.sum(0), h.T @ d, d.sum(0)]
    norm = np.sqrt(sum((g**2).sum() for g in grads))
    if norm > 1.0:
        grads = [g / norm for g in grads]
    for p, g in zip([W1, b1, W2, b2], grads):
        p -= 0.1 * g
