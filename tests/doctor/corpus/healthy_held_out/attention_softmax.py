# causes: none
import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(80, 4)); V = rng.normal(size=(4, 3)); t = X[:, :1] * 2 + X[:, 1:2]
Wa = rng.normal(0, .3, (4, 3)); Wv = rng.normal(0, .5, (4, 3)); b = np.zeros(1)
for i in range(1500):
    s = X @ Wa; s = np.exp(s - s.max(1, keepdims=True)); att = s / s.sum(1, keepdims=True)
    v = X @ Wv
    out = (att * v).sum(1, keepdims=True) + b
    g = 2 * (out - t) / len(X)
    gv = g * att; ga = g * v
    gs = att * (ga - (ga * att).sum(1, keepdims=True))
    Wv -= .1 * X.T @ gv; Wa -= .1 * X.T @ gs; b -= .1 * g.sum(0)
    if i % 300 == 0: print(i, np.mean((out - t) ** 2))
