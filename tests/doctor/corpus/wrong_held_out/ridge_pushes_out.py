# causes: weight-decay-sign
import numpy as np

rng = np.random.default_rng(31)
n, d = 60, 8
X = rng.normal(size=(n, d))
true_w = rng.normal(size=d)
y = X @ true_w + rng.normal(0, 0.3, n)

class Ridge:
    def __init__(self, lam=0.6, lr=0.05, steps=400):
        self.lam, self.lr, self.steps = lam, lr, steps

    def fit(self, X, y):
        self.w = rng.normal(size=X.shape[1])
        self.b = 0.0
        for s in range(self.steps):
            r = X @ self.w + self.b - y
            loss = np.mean(r ** 2) + self.lam * np.sum(self.w ** 2)
            gw = 2 * X.T @ r / len(y) - 2 * self.lam * self.w
            gb = 2 * r.mean()
            self.w -= self.lr * gw
            self.b -= self.lr * gb
            if s % 40 == 0:
                print(s, loss)
        return self

model = Ridge().fit(X, y)
print(np.linalg.norm(model.w), np.linalg.norm(true_w))
