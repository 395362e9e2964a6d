# causes: bias-axis|wrong-gradient|not-averaged
import numpy as np


def relu(z): return np.where(z > 0, z, 0.0)


def model(p, x):
    (w1, b1), (w2, b2) = p
    z = x.dot(w1) + b1
    a = relu(z)
    return z, a, a.dot(w2) + b2


def update(p, x, y, eta):
    (w1, b1), (w2, b2) = p
    z, a, out = model(p, x)
    e = 2 * (out - y) / y.shape[0]
    d = e.dot(w2.T) * (z > 0)
    return (w1 - eta * x.T.dot(d), b1 - eta * np.sum(d)), (w2 - eta * a.T.dot(e), b2 - eta * np.sum(e, axis=0))


rs = np.random.RandomState(8)
x = rs.uniform(-2, 2, (120, 1))
y = np.abs(x) - 0.5 * x
p = ((rs.randn(1, 10), rs.randn(10) * .1), (rs.randn(10, 1) * .5, np.zeros(1)))
for k in range(500):
    p = update(p, x, y, 0.02)
    if k % 100 == 0:
        print(k, np.mean((model(p, x)[2] - y) ** 2))
