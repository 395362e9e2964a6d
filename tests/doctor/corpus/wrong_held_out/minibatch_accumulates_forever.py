# causes: never-reset
import numpy as np

rng = np.random.default_rng(109)
X = rng.normal(size=(160, 5))
Y = np.eye(3)[np.argmax(X[:, :3] + 0.3 * X[:, 2:], axis=1)]
W = 0.1 * rng.normal(size=(5, 3))
b = np.zeros(3)
grad_W, grad_b = np.zeros_like(W), np.zeros_like(b)
for epoch in range(20):
    for start in range(0, len(X), 32):
        x, t = X[start : start + 32], Y[start : start + 32]
        s = x @ W + b
        e = np.exp(s - s.max(axis=1, keepdims=True))
        q = e / e.sum(axis=1, keepdims=True)
        grad_W += x.T @ (q - t) / len(x)
        grad_b += (q - t).mean(axis=0)
        W -= 0.3 * grad_W
        b -= 0.3 * grad_b
