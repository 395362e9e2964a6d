# causes: weight-decay-sign
import numpy as np
class Ridge:
    def __init__(self, d, alpha=.3, lr=.05): self.w = np.random.default_rng(120).normal(size=(d, 1)); self.b = 0.; self.alpha, self.lr = alpha, lr
    def fit(self, X, y, n=400):
        for i in range(n):
            e = X @ self.w + self.b - y
            dw = X.T @ e / len(X)
            self.w = self.w - self.lr * dw + self.lr * self.alpha * self.w
            self.b = self.b - self.lr * e.mean()
            if i % 100 == 0: print(i, (e ** 2).mean())
r = np.random.default_rng(0); X = r.normal(size=(60, 4)); y = X @ np.array([[1.], [0], [2], [-1]]) + .5
Ridge(4).fit(X, y)
