# causes: none
import numpy as np

rng = np.random.default_rng(3)
X = rng.uniform(-1, 1, (120, 3))
Y = np.stack([X[:, 0] * X[:, 1], np.abs(X[:, 2])], axis=1)
W = [rng.normal(0, 0.7, s) for s in ((3, 12), (12, 12), (12, 2))]
b = [np.zeros(12), np.zeros(12), np.zeros(2)]
mom = [np.zeros_like(w) for w in W] + [np.zeros_like(c) for c in b]
for it in range(1000):
    h1 = np.tanh(np.einsum("bi,ij->bj", X, W[0]) + b[0])
    h2 = np.tanh(np.einsum("bi,ij->bj", h1, W[1]) + b[1])
    out = np.einsum("bi,ij->bj", h2, W[2]) + b[2]
    g3 = 2 * (out - Y) / Y.size
    g2 = np.einsum("bj,ij->bi", g3, W[2]) * (1 - h2 ** 2)
    g1 = np.einsum("bj,ij->bi", g2, W[1]) * (1 - h1 ** 2)
    gs = [np.einsum("bi,bj->ij", a, g) for a, g in ((X, g1), (h1, g2), (h2, g3))]
    gs += [g.sum(0) for g in (g1, g2, g3)]
    for i, (p, g) in enumerate(zip(W + b, gs)):
        mom[i] = 0.9 * mom[i] + g
        p -= 0.05 * mom[i]
    if it % 100 == 0:
        print(it, ((out - Y) ** 2).mean())
