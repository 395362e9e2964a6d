# causes: none
import numpy as np
rng = np.random.default_rng(31)
X = rng.normal(size=(80, 12)); k_true = np.array([.5, -1., .25]); Y = np.stack([X[:, i:i+3] @ k_true for i in range(10)], 1)
k = rng.normal(size=3) * .1; b = 0.0
for it in range(200):
    out = np.stack([X[:, i:i+3] @ k for i in range(10)], 1) + b
    d = 2 * (out - Y) / out.size
    gk = sum(X[:, i:i+3].T @ d[:, i] for i in range(10))
    k -= .2 * gk; b -= .2 * d.sum()
print(k, b)
