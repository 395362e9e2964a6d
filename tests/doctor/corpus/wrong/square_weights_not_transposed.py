# causes: wrong-operand
import numpy as np

rng = np.random.default_rng(21)
X = rng.normal(size=(80, 5))
y = (X[:, :1] * X[:, 1:2] + X[:, 2:3] > 0).astype(float)
A, B, C = (rng.normal(0, 0.6, s) for s in ((5, 5), (5, 5), (5, 1)))
a, b, c = np.zeros(5), np.zeros(5), np.zeros(1)


def s(z):
    return 1 / (1 + np.exp(-z))


for epoch in range(1500):
    h = np.tanh(X @ A + a)
    k = np.tanh(h @ B + b)
    p = s(k @ C + c)
    dc = (p - y) / len(y)
    dk = dc @ C.T * (1 - k * k)
    dh = dk @ B * (1 - h * h)
    C -= 0.7 * k.T @ dc
    c -= 0.7 * dc.sum(0)
    B -= 0.7 * h.T @ dk
    b -= 0.7 * dk.sum(0)
    A -= 0.7 * X.T @ dh
    a -= 0.7 * dh.sum(0)
