# causes: elementwise-for-matmul|wrong-operand|wrong-gradient
import numpy as np

rng = np.random.default_rng(3)


def f(z):
    return 1 / (1 + np.exp(-z))


data = [(np.array([a, b, 1.0]), float(a != b)) for a in (0.0, 1.0) for b in (0.0, 1.0)]
V = rng.normal(0, 1, (3, 3))
U = rng.normal(0, 1, (3, 3))
w = rng.normal(0, 1, 3)
for epoch in range(2000):
    for x, t in data:
        h1 = f(V @ x)
        h2 = f(U @ h1)
        o = f(w @ h2)
        d3 = o - t
        d2 = d3 * w * h2 * (1 - h2)
        d1 = (U * d2).sum(axis=1) * h1 * (1 - h1)
        w -= 0.5 * d3 * h2
        U -= 0.5 * np.outer(d2, h1)
        V -= 0.5 * np.outer(d1, x)
