# causes: rate-decays
import numpy as np
rng = np.random.default_rng(108)
t = rng.uniform(0, 2 * np.pi, 200); r = np.r_[np.ones(100), 2 * np.ones(100)] + .1 * rng.normal(size=200)
X = np.c_[r * np.cos(t), r * np.sin(t)]; y = np.r_[np.zeros(100), np.ones(100)].reshape(-1, 1)
W1 = rng.normal(size=(2, 10)); b1 = np.zeros(10); W2 = rng.normal(size=(10, 1)) * .3; b2 = np.zeros(1)
base_lr = 1.0
for epoch in range(1, 1001):
    lr = base_lr / epoch ** 2
    a = np.tanh(X @ W1 + b1); p = 1 / (1 + np.exp(-(a @ W2 + b2)))
    d = (p - y) / 200; da = d @ W2.T * (1 - a ** 2)
    W2 -= lr * a.T @ d; b2 -= lr * d.sum(0); W1 -= lr * X.T @ da; b1 -= lr * da.sum(0)
print("final accuracy", ((p > .5) == y).mean())
