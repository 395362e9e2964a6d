# causes: evaluation-wrong|loss-misreported, loss-misreported|evaluation-wrong
import numpy as np

rng = np.random.default_rng(21)
mid = rng.normal(0, 1.5, (4, 6))
kind = rng.integers(0, 4, 320)
D = (mid[kind] + rng.normal(size=(320, 6))).T
goal = np.eye(4)[kind].T


def shares(z):
    z = np.exp(z - z.max(axis=0))
    return z / z.sum(axis=0)


def hit_rate(said, meant):
    return (said == meant).sum() / meant.size


P, p = rng.normal(0, 0.3, (14, 6)), np.zeros((14, 1))
Q, q = rng.normal(0, 0.3, (4, 14)), np.zeros((4, 1))
for it in range(400):
    a = np.tanh(P @ D + p)
    s = shares(Q @ a + q)
    g = (s - goal) / 320
    b = Q.T @ g * (1 - a**2)
    if it % 40 == 0:
        cost = -np.log(s.max(axis=0)).mean()
        print(it, cost, hit_rate(s.argmax(axis=1), goal.argmax(axis=1)))
    Q, q, P, p = (
        Q - 0.4 * g @ a.T,
        q - 0.4 * g.sum(1, keepdims=True),
        P - 0.4 * b @ D.T,
        p - 0.4 * b.sum(1, keepdims=True),
    )
