# causes: weight-decay-sign
import numpy as np

rng = np.random.default_rng(112)
X = rng.normal(size=(100, 4))
y = (X @ np.array([1.0, -1.0, 0.5, 0.0]))[:, None]
W1, b1 = rng.normal(0, 0.5, (4, 8)), np.zeros(8)
W2, b2 = rng.normal(0, 0.5, (8, 1)), np.zeros(1)
lr, wd = 0.1, 0.05
for t in range(200):
    h = np.maximum(0, X @ W1 + b1)
    out = h @ W2 + b2
    g = (out - y) / len(X)
    gh = (g @ W2.T) * (h > 0)
    W2 -= lr * (h.T @ g - wd * W2)
    b2 -= lr * g.sum(0)
    W1 -= lr * (X.T @ gh - wd * W1)
    b1 -= lr * gh.sum(0)
