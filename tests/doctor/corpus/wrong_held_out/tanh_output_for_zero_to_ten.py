# causes: target-out-of-range
import numpy as np

gen = np.random.default_rng(110)
xs = gen.uniform(-1, 1, (50, 1))
ys = 5 + 4 * np.sin(3 * xs)
A, a = gen.normal(0, 1, (1, 10)), np.zeros(10)
B, b = gen.normal(0, 0.5, (10, 1)), np.zeros(1)
for i in range(800):
    h = np.tanh(xs @ A + a)
    o = np.tanh(h @ B + b)
    go = 2 * (o - ys) * (1 - o * o) / 50
    gh = go @ B.T * (1 - h * h)
    B -= 0.05 * h.T @ go
    b -= 0.05 * go.sum(0)
    A -= 0.05 * xs.T @ gh
    a -= 0.05 * gh.sum(0)
