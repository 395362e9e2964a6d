# causes: none
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
Xtr, Xte, ytr, yte = train_test_split(X, y, random_state=1)
mu, sd = Xtr.mean(axis=0), Xtr.std(axis=0)
Xtr, Xte = (Xtr - mu) / sd, (Xte - mu) / sd

class LogReg:
    def __init__(self, lam=1e-2, lr=0.1, n_iter=400):
        self.lam, self.lr, self.n_iter = lam, lr, n_iter

    def _sigmoid(self, z):
        return 1.0 / (1.0 + np.exp(-z))

    def fit(self, X, y):
        n, d = X.shape
        self.w_, self.b_ = np.zeros(d), 0.0
        for _ in range(self.n_iter):
            r = self._sigmoid(X @ self.w_ + self.b_) - y
            self.w_ -= self.lr * (X.T @ r / n + self.lam * self.w_)
            self.b_ -= self.lr * r.sum() / n
        return self

    def score(self, X, y):
        return ((self._sigmoid(X @ self.w_ + self.b_) >= 0.5) == y).mean()

m = LogReg().fit(Xtr, ytr)
print("train", m.score(Xtr, ytr), "test", m.score(Xte, yte))
