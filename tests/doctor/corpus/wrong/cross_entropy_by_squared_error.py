# causes: squared-error-rule
import numpy as np

rng = np.random.default_rng(62)
X = rng.normal(size=(60, 2))
y = (X[:, :1] > 0.3).astype(float)
W, b = rng.normal(0, 0.5, (2, 1)), np.zeros(1)
for epoch in range(300):
    p = 1 / (1 + np.exp(-(X @ W + b)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    d = (p - y) * p * (1 - p) / len(y)
    W -= 2.0 * X.T @ d
    b -= 2.0 * d.sum(0)
    if epoch % 50 == 0:
        print(loss)
