import numpy as np


class MLP:
    def __init__(self, i, h, o, seed):
        r = np.random.default_rng(seed)
        self.p = {"W1": r.normal(0, .7, (i, h)), "b1": np.zeros(h), "W2": r.normal(0, .7, (h, o)), "b2": np.zeros(o)}

    def predict(self, X):
        self.h = np.tanh(X @ self.p["W1"] + self.p["b1"])
        return 1 / (1 + np.exp(-(self.h @ self.p["W2"] + self.p["b2"])))

    def train_step(self, X, y, lr):
        out = self.predict(X)
        d = (out - y) / len(X)
        dh = d @ self.p["W2"].T * (1 - self.h ** 2)
        for k, g in (("W2", self.h.T @ d), ("b2", d.sum(0)), ("W1", X.T @ dh), ("b1", dh.sum(0))):
            self.p[k] -= lr * g
