# causes: too-few-units
import numpy as np
rng = np.random.default_rng(38)
n = 200
y = (np.arange(n) % 2).reshape(-1, 1).astype(float)
r = np.where(y[:, 0] == 0, 0.6, 1.6) + rng.normal(0, .12, n)
t = rng.uniform(0, 2 * np.pi, n)
X = np.stack([r * np.cos(t), r * np.sin(t)], axis=1)
HIDDEN = 1
W1 = rng.normal(size=(2, HIDDEN)); b1 = np.zeros((1, HIDDEN))
W2 = rng.normal(size=(HIDDEN, 1)); b2 = np.zeros((1, 1))
for epoch in range(1500):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d2 = (p - y) / n
    d1 = d2 @ W2.T * (1 - h ** 2)
    W2 -= 1.0 * h.T @ d2; b2 -= 1.0 * d2.sum(0, keepdims=True)
    W1 -= 1.0 * X.T @ d1; b1 -= 1.0 * d1.sum(0, keepdims=True)
    if epoch % 300 == 0:
        print(epoch, ((p > .5) == y).mean())
