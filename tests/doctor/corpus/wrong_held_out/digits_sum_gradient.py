# causes: not-averaged
import numpy as np
from sklearn.datasets import load_digits
d = load_digits(); X = d.data / 16; T = np.eye(10)[d.target]
rng = np.random.RandomState(0)
W = [rng.randn(64, 24) * .15, rng.randn(24, 10) * .2]; B = [np.zeros(24), np.zeros(10)]
for it in range(150):
    h = np.maximum(0, X.dot(W[0]) + B[0])
    s = h.dot(W[1]) + B[1]
    e = np.exp(s - s.max(axis=1)[:, None]); p = e / e.sum(axis=1)[:, None]
    g = p - T
    gh = g.dot(W[1].T) * (h > 0)
    for w, b, a, gg in ((W[1], B[1], h, g), (W[0], B[0], X, gh)):
        w -= 0.1 * a.T.dot(gg)
        b -= 0.1 * gg.sum(axis=0)
    if it % 15 == 0: print(it, (p.argmax(axis=1) == d.target).mean())
