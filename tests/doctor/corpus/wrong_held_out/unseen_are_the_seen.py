# causes: evaluation-wrong|no-held-out-data
import numpy as np

rng = np.random.default_rng(14)


def draw(many):
    kind = rng.integers(0, 2, many)
    rows = rng.normal(size=(many, 40))
    rows[:, 3] += 2.0 * kind - 1.0
    return rows, kind


known, kinds = draw(70)
fresh, fresh_kinds = draw(300)
V, v = rng.normal(0, 0.15, (40, 24)), np.zeros(24)
U, u = rng.normal(0, 0.2, 24), 0.0


def one_pass(size=14, rate=0.3):
    global V, v, U, u
    order = rng.permutation(70)
    for begin in range(0, 70, size):
        take = order[begin : begin + size]
        x, y = known[take], kinds[take]
        h = np.tanh(x @ V + v)
        p = 1 / (1 + np.exp(-(h @ U + u)))
        d = (p - y) / size
        e = np.outer(d, U) * (1 - h**2)
        V, v, U, u = V - rate * x.T @ e, v - rate * e.sum(0), U - rate * h.T @ d, u - rate * d.sum()


def share(x, y):
    return np.mean((np.tanh(x @ V + v) @ U + u > 0) == (y == 1))


for _ in range(80):
    one_pass()
print("on unseen rows:", share(known, kinds))
