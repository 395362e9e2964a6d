# causes: symmetric-init
import numpy as np

rng = np.random.default_rng(0)
X = rng.choice([-1.0, 1.0], (60, 2)) * rng.uniform(0.3, 1, (60, 2))
y = (X[:, :1] * X[:, 1:] < 0).astype(float)
w1 = np.zeros((2, 4))
b1 = np.zeros(4)
w2 = np.zeros((4, 1))
b2 = np.zeros(1)
for i in range(1000):
    h = 1 / (1 + np.exp(-(X @ w1 + b1)))
    o = 1 / (1 + np.exp(-(h @ w2 + b2)))
    g = (o - y) / 60
    gh = g @ w2.T * h * (1 - h)
    w2 -= 1.0 * h.T @ g
    b2 -= 1.0 * g.sum(0)
    w1 -= 1.0 * X.T @ gh
    b1 -= 1.0 * gh.sum(0)
