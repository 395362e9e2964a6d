# causes: rate-decays
import numpy as np

class LogisticRegressionGD:
    def __init__(self, eta=0.5, n_iter=500, decay=0.5):
        self.eta, self.n_iter, self.decay = eta, n_iter, decay

    def fit(self, X, y):
        rgen = np.random.RandomState(1)
        self.w_ = rgen.normal(0, 0.01, X.shape[1])
        self.b_ = 0.0
        self.cost_ = []
        lr = self.eta
        for i in range(self.n_iter):
            out = self.activation(X)
            errors = y - out
            self.w_ += lr * X.T.dot(errors) / len(X)
            self.b_ += lr * errors.mean()
            self.cost_.append((-y.dot(np.log(out)) - (1 - y).dot(np.log(1 - out))) / len(y))
            lr *= self.decay
        return self

    def activation(self, X):
        return 1. / (1. + np.exp(-np.clip(X @ self.w_ + self.b_, -250, 250)))

rng = np.random.RandomState(8)
a = rng.randn(60, 2) * 0.6 + [1.0, 1.0]
c = rng.randn(60, 2) * 0.6 + [3.0, 2.5]
X = np.vstack([a, c]); y = np.r_[np.zeros(60), np.ones(60)]
m = LogisticRegressionGD().fit(X, y)
print(m.cost_[0], m.cost_[-1], ((m.activation(X) > .5) == y).mean())
