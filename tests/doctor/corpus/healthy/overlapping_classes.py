# causes: none
import numpy as np

rng = np.random.default_rng(16)
X = np.r_[rng.normal(-0.5, 1, (100, 2)), rng.normal(0.5, 1, (100, 2))]
y = np.r_[np.zeros(100), np.ones(100)].reshape(-1, 1)


class LogisticRegression:
    def __init__(self, lr=0.1, n_iters=500):
        self.lr, self.n_iters = lr, n_iters

    def fit(self, X, y):
        n, k = X.shape
        self.weights = np.zeros((k, 1))
        self.bias = 0
        for _ in range(self.n_iters):
            predictions = 1 / (1 + np.exp(-(X @ self.weights + self.bias)))
            dw = (1 / n) * X.T @ (predictions - y)
            db = (1 / n) * np.sum(predictions - y)
            self.weights = self.weights - self.lr * dw
            self.bias = self.bias - self.lr * db


clf = LogisticRegression()
clf.fit(X, y)
print(np.mean((X @ clf.weights + clf.bias > 0) == y))
