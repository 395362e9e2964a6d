# causes: too-few-units
import numpy as np
rng = np.random.default_rng(116)
def make(n):
    a = rng.uniform(0, 2 * np.pi, n); k = rng.integers(0, 2, n)
    r = np.where(k, 2., .7) + rng.normal(0, .1, n)
    return np.c_[r * np.cos(a), r * np.sin(a)], k.reshape(-1, 1).astype(float)
class Net:
    def __init__(self, n_in=2, n_hidden=1, n_out=1):
        self.W1 = rng.normal(size=(n_in, n_hidden)); self.b1 = np.zeros(n_hidden)
        self.W2 = rng.normal(size=(n_hidden, n_out)); self.b2 = np.zeros(n_out)
    def forward(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        return 1 / (1 + np.exp(-(self.h @ self.W2 + self.b2)))
    def fit(self, X, y, lr=1., epochs=1500):
        for e in range(epochs):
            p = self.forward(X)
            d = (p - y) / len(X); dh = d @ self.W2.T * (1 - self.h ** 2)
            self.W2 -= lr * self.h.T @ d; self.b2 -= lr * d.sum(0)
            self.W1 -= lr * X.T @ dh; self.b1 -= lr * dh.sum(0)
X, y = make(200)
net = Net(); net.fit(X, y)
print("accuracy", ((net.forward(X) > .5) == y).mean())
