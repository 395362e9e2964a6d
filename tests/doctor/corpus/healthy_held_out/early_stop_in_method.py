# causes: none
import numpy as np


class Net:
    def __init__(self, rng):
        self.W = [rng.normal(0, 0.7, (2, 8)), rng.normal(0, 0.5, (8, 1))]
        self.b = [np.zeros(8), np.zeros(1)]

    def forward(self, X):
        self.h = np.tanh(X @ self.W[0] + self.b[0])
        return 1 / (1 + np.exp(-(self.h @ self.W[1] + self.b[1])))

    def fit(self, X, y, Xv, yv, patience=50):
        best, waited, epoch = np.inf, 0, 0
        while waited < patience and epoch < 1500:
            p = self.forward(X)
            d = [None, (p - y) / len(X)]
            d[0] = d[1] @ self.W[1].T * (1 - self.h**2)
            a = [X, self.h]
            for k in (0, 1):
                self.W[k] -= 0.8 * a[k].T @ d[k]
                self.b[k] -= 0.8 * d[k].sum(axis=0)
            q = self.forward(Xv)
            score = -np.mean(yv * np.log(q) + (1 - yv) * np.log(1 - q))
            waited = 0 if score < best else waited + 1
            best, epoch = min(best, score), epoch + 1
        return best


rng = np.random.default_rng(213)
X = rng.normal(size=(140, 2))
y = (X[:, :1] ** 2 + X[:, 1:] ** 2 < 1.2).astype(float)
Net(rng).fit(X[:100], y[:100], X[100:], y[100:])
