# causes: none
import numpy as np
rng = np.random.RandomState(22)
X = rng.randn(200, 10); y = (X[:, :5].sum(1) > X[:, 5:].sum(1)).astype(float)[:, None]
class MLP:
    def __init__(s, h=20):
        s.W1 = rng.randn(10, h) * np.sqrt(2 / 10); s.b1 = np.zeros(h); s.W2 = rng.randn(h, 1) * .1; s.b2 = np.zeros(1)
    def fit(s, X, y, epochs=80, lr=.3, keep=.8, lam=1e-3):
        for ep in range(epochs):
            for i in range(0, len(X), 50):
                xb, yb = X[i:i+50], y[i:i+50]
                z = xb @ s.W1 + s.b1
                mask = (rng.rand(*z.shape) < keep) / keep
                a = np.maximum(0, z) * mask
                p = 1 / (1 + np.exp(-(a @ s.W2 + s.b2)))
                d = (p - yb) / len(xb)
                dz = (d @ s.W2.T) * mask * (z > 0)
                s.W2 -= lr * (a.T @ d + lam * s.W2); s.b2 -= lr * d.sum(0)
                s.W1 -= lr * (xb.T @ dz + lam * s.W1); s.b1 -= lr * dz.sum(0)
            if ep in (40, 60): lr *= .5
    def score(s, X, y):
        return (((np.maximum(0, X @ s.W1 + s.b1) @ s.W2 + s.b2) > 0) == y).mean()
m = MLP(); m.fit(X[:150], y[:150]); print(m.score(X[150:], y[150:]))
