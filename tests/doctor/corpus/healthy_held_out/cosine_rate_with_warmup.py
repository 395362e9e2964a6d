# causes: none
import numpy as np

rng = np.random.default_rng(206)
X = rng.normal(size=(100, 4))
Y = np.eye(2)[(X[:, 0] > 0).astype(int)]
W = np.zeros((4, 2))
b = np.zeros(2)
steps = 400
for s in range(steps):
    lr = 0.5 * min(1.0, (s + 1) / 20) * 0.5 * (1 + np.cos(np.pi * s / steps))
    z = X @ W + b
    p = np.exp(z - z.max(1, keepdims=True))
    p = p / p.sum(1, keepdims=True)
    d = (p - Y) / len(X)
    W = W - lr * X.T @ d
    b = b - lr * d.sum(0)
