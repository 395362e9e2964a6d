# causes: wrong-sign
import numpy as np

def make_trainer(n_in, n_hidden, lr):
    rng = np.random.default_rng(99)
    W = rng.normal(0, 0.5, (n_in, n_hidden))
    c = np.zeros(n_hidden)
    v = rng.normal(0, 0.5, n_hidden)
    d = 0.0

    def forward(X):
        h = 1 / (1 + np.exp(-(X @ W + c)))
        return h, h @ v + d

    def train(X, t):
        nonlocal W, c, v, d
        h, out = forward(X)
        e = t - out
        gv = h.T @ e / len(t)
        gd = e.mean()
        dh = np.outer(e, v) * h * (1 - h)
        gW = X.T @ dh / len(t)
        gc = dh.mean(axis=0)
        v += lr * gv
        d += lr * gd
        W -= lr * gW
        c -= lr * gc
        return (e ** 2).mean()

    return train, forward

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, (150, 1))
t = np.abs(X[:, 0])
train, forward = make_trainer(1, 10, 0.2)
for i in range(2000):
    mse = train(X, t)
    if i % 200 == 0:
        print(i, mse)
