# causes: elementwise-for-matmul
import numpy as np

rng = np.random.default_rng(2)
points = rng.normal(size=(100, 4))
wanted = (np.sin(2 * points[:, 0]) + points[:, 1] * points[:, 2] > 0).astype(float)
V, c = rng.normal(0, 0.6, (4, 4)), np.zeros(4)
u, d = rng.normal(0, 0.6, 4), 0.0
eta = 0.2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def learn(x, t):
    global V, c, u, d
    s = np.tanh(V @ x + c)
    p = sigmoid(u @ s + d)
    e = p - t
    back = e * u * (1 - s**2)
    u = u - eta * e * s
    d = d - eta * e
    V = V - eta * back * x
    c = c - eta * back
    return p


for epoch in range(30):
    right = sum((learn(x, t) > 0.5) == t for x, t in zip(points, wanted))
    if epoch % 10 == 0:
        print(epoch, right / len(points))
