# causes: wrong-sign
import numpy as np
from sklearn.datasets import make_moons
X, t = make_moons(200, noise=.1, random_state=5)
t = t.reshape(-1, 1)
class NN:
    def __init__(self, h=10, lr=.5):
        r = np.random.RandomState(1)
        self.Wxh, self.bh, self.Why, self.by, self.lr = r.randn(2, h), np.zeros(h), r.randn(h, 1), np.zeros(1), lr
    def predict(self, X):
        self.h = np.tanh(X @ self.Wxh + self.bh)
        return 1 / (1 + np.exp(-(self.h @ self.Why + self.by)))
    def fit_once(self, X, t):
        p = self.predict(X)
        err = t - p
        dh = err @ self.Why.T * (1 - self.h ** 2)
        self.Why += self.lr * self.h.T @ err / len(X)
        self.by += self.lr * err.mean(0)
        self.Wxh -= self.lr * X.T @ dh / len(X)
        self.bh -= self.lr * dh.mean(0)
        return np.mean(np.abs(err))
nn = NN()
for i in range(600):
    e = nn.fit_once(X, t)
    if i % 60 == 0: print('mean abs error', e)
