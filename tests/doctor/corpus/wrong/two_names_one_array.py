# causes: aliased-buffer|wrong-gradient
import numpy as np

rng = np.random.default_rng(52)
X = rng.normal(size=(60, 4))
y = (X[:, :1] + X[:, 1:2] ** 2 > 1).astype(float)
W1 = rng.normal(0, 0.5, (4, 4))
W2 = W1
W3 = rng.normal(0, 0.5, (4, 1))
for epoch in range(300):
    a = np.tanh(X @ W1)
    b = np.tanh(a @ W2)
    p = 1 / (1 + np.exp(-(b @ W3)))
    d3 = (p - y) / 60
    d2 = d3 @ W3.T * (1 - b * b)
    d1 = d2 @ W2.T * (1 - a * a)
    W3 -= 0.3 * b.T @ d3
    W2 -= 0.3 * a.T @ d2
    W1 -= 0.3 * X.T @ d1
