# causes: none
import numpy as np


class RMSProp:
    def __init__(self, params, lr=0.01, rho=0.9):
        self.params, self.lr, self.rho = params, lr, rho
        self.cache = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for p, g, c in zip(self.params, grads, self.cache):
            c *= self.rho
            c += (1 - self.rho) * g**2
            p -= self.lr * g / (np.sqrt(c) + 1e-8)


rng = np.random.default_rng(21)
X = rng.normal(size=(100, 3))
y = (X.sum(axis=1, keepdims=True) > 0).astype(float)
W1, b1, W2, b2 = rng.normal(0, 0.6, (3, 6)), np.zeros(6), rng.normal(0, 0.4, (6, 1)), np.zeros(1)
opt = RMSProp([W1, b1, W2, b2])
for epoch in range(200):
    h = np.maximum(0, X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d2 = (p - y) / 100
    d1 = (d2 @ W2.T) * (h > 0)
    opt.step([X.T @ d1, d1.sum(0), h.T @ d2, d2.sum(0)])
