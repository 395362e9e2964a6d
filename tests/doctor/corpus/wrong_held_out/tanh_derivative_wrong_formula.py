# causes: wrong-gradient|missing-derivative|derivative-on-z
import numpy as np
rng = np.random.default_rng(103)
def tanh_deriv(a):
    return 1 - a
x = rng.uniform(-2, 2, (100, 1)); y = np.sin(2 * x)
W = [rng.normal(0, 1, (1, 16)), rng.normal(0, .3, (16, 1))]
B = [np.zeros((1, 16)), np.zeros((1, 1))]
for epoch in range(800):
    a = np.tanh(x @ W[0] + B[0])
    out = a @ W[1] + B[1]
    err = 2 * (out - y) / 100
    da = err @ W[1].T
    dz = da * tanh_deriv(a)
    W[1] -= .05 * a.T @ err; B[1] -= .05 * err.sum(0, keepdims=True)
    W[0] -= .05 * x.T @ dz; B[0] -= .05 * dz.sum(0, keepdims=True)
    if epoch % 200 == 0: print(epoch, ((out - y) ** 2).mean())
