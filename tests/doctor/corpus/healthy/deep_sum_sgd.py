# causes: none
import numpy as np
# gradient summed, the rate chosen for it
rng = np.random.default_rng(16)
X = rng.normal(size=(2, 64)); Y = (X[0] ** 2 + X[1] ** 2 > 1.3).astype(float)[None]
W = [rng.normal(0, .8, (6, 2)), rng.normal(0, .5, (6, 6)), rng.normal(0, .5, (1, 6))]
b = [np.zeros((6, 1)), np.zeros((6, 1)), np.zeros((1, 1))]
def f(z): return np.where(z > 0, z, .1 * z)
def fp(z): return np.where(z > 0, 1, .1)
for it in range(1500):
    z1 = W[0] @ X + b[0]; a1 = f(z1)
    z2 = W[1] @ a1 + b[1]; a2 = f(z2)
    z3 = W[2] @ a2 + b[2]; a3 = 1 / (1 + np.exp(-z3))
    d3 = a3 - Y
    d2 = W[2].T @ d3 * fp(z2)
    d1 = W[1].T @ d2 * fp(z1)
    for l, (d, a) in enumerate(((d1, X), (d2, a1), (d3, a2))):
        W[l] -= .005 * d @ a.T
        b[l] -= .005 * d.sum(1, keepdims=True)
    if it % 300 == 0: print(it, float(np.mean((a3 > .5) == Y)))
