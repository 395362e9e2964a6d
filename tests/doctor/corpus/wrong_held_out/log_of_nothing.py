# causes: log-zero
import numpy as np
rng = np.random.default_rng(6)
X = np.r_[rng.normal(-20, 3, (80, 2)), rng.normal(20, 3, (80, 2))]
y = np.r_[np.zeros(80), np.ones(80)]
def model(w, b): return 1 / (1 + np.exp(-(X @ w + b)))
def cross_entropy(p): return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
w, b = rng.normal(size=2), 0.
for i in range(200):
    p = model(w, b)
    loss = cross_entropy(p)
    w, b = w - .5 * (p - y) @ X / 160, b - .5 * (p - y).mean()
    if i % 20 == 0: print(i, loss)
