# causes: none
import numpy as np
rng = np.random.default_rng(1)
X = rng.normal(size=(80, 3)); y = (X @ [1, -1, 2] + rng.normal(0, .5, 80) > 0).astype(float)
def f(w):
    z = X @ w
    return np.mean(np.logaddexp(0, z) - y * z) + 1e-3 * w @ w
def df(w): return X.T @ (1 / (1 + np.exp(-X @ w)) - y) / len(y) + 2e-3 * w
w = np.zeros(3)
for i in range(60):
    g = df(w); t = 10.0
    while f(w - t * g) > f(w) - .5 * t * g @ g: t *= .5
    w = w - t * g
print(f(w))
