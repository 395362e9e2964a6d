# causes: sample-to-the-end
import numpy as np

rng = np.random.default_rng(60)
X = rng.normal(size=(30, 2))
y = (X[:, 0] > X[:, 1]).astype(float)
w, b = rng.normal(0, 0.1, 2), 0.0
for x, t in zip(X, y):
    for epoch in range(200):
        p = 1 / (1 + np.exp(-(w @ x + b)))
        w = w - 0.5 * (p - t) * x
        b = b - 0.5 * (p - t)
