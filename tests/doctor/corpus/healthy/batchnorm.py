# causes: none
import numpy as np
rng = np.random.default_rng(26)
X = rng.normal(3, 2, (128, 5)); y = (X[:, :1] + X[:, 1:2] > 6).astype(float)
W1 = rng.normal(size=(5, 10)); gamma = np.ones((1, 10)); beta = np.zeros((1, 10)); W2 = rng.normal(0, .3, (10, 1)); b2 = np.zeros((1, 1))
eps = 1e-5
for it in range(300):
    z = X @ W1
    mu, var = z.mean(0, keepdims=True), z.var(0, keepdims=True)
    zn = (z - mu) / np.sqrt(var + eps)
    u = gamma * zn + beta
    a = np.tanh(u)
    p = 1 / (1 + np.exp(-(a @ W2 + b2)))
    d = (p - y) / 128
    gW2, gb2 = a.T @ d, d.sum(0, keepdims=True)
    du = d @ W2.T * (1 - a ** 2)
    gg, gbeta = (du * zn).sum(0, keepdims=True), du.sum(0, keepdims=True)
    dzn = du * gamma
    dz = (dzn - dzn.mean(0) - zn * (dzn * zn).mean(0)) / np.sqrt(var + eps)
    gW1 = X.T @ dz
    W1 -= .5 * gW1; gamma -= .5 * gg; beta -= .5 * gbeta; W2 -= .5 * gW2; b2 -= .5 * gb2
    if it % 100 == 0: print(it, ((p > .5) == y).mean())
