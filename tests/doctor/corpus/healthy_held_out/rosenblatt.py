# causes: none
import numpy as np

class Perceptron(object):
    def __init__(self, eta=0.01, n_iter=20):
        self.eta = eta
        self.n_iter = n_iter

    def fit(self, X, y):
        self.w_ = np.zeros(1 + X.shape[1])
        self.errors_ = []
        for _ in range(self.n_iter):
            errors = 0
            for xi, target in zip(X, y):
                update = self.eta * (target - self.predict(xi))
                self.w_[1:] += update * xi
                self.w_[0] += update
                errors += int(update != 0.0)
            self.errors_.append(errors)
        return self

    def net_input(self, X):
        return np.dot(X, self.w_[1:]) + self.w_[0]

    def predict(self, X):
        return np.where(self.net_input(X) >= 0.0, 1, -1)

rgen = np.random.RandomState(1)
X = np.vstack([rgen.normal(1, 0.5, (50, 2)), rgen.normal(3, 0.5, (50, 2))])
y = np.repeat([-1, 1], 50)
ppn = Perceptron(eta=0.1, n_iter=15).fit(X, y)
print(ppn.errors_)
