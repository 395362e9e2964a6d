# causes: none
import numpy as np
class AdalineGD:
    def __init__(self, eta=0.01, n_iter=50):
        self.eta, self.n_iter = eta, n_iter
    def fit(self, X, y):
        rgen = np.random.RandomState(1)
        self.w_ = rgen.normal(loc=0.0, scale=0.01, size=X.shape[1])
        self.b_ = np.float64(0.)
        self.losses_ = []
        for i in range(self.n_iter):
            net_input = self.net_input(X)
            output = self.activation(net_input)
            errors = (y - output)
            self.w_ += self.eta * 2.0 * X.T.dot(errors) / X.shape[0]
            self.b_ += self.eta * 2.0 * errors.mean()
            self.losses_.append((errors ** 2).mean())
        return self
    def net_input(self, X):
        return np.dot(X, self.w_) + self.b_
    def activation(self, X):
        return X
    def predict(self, X):
        return np.where(self.activation(self.net_input(X)) >= 0.5, 1, 0)
from sklearn.datasets import load_iris
d = load_iris()
X = d.data[:100, [0, 2]]; y = (d.target[:100] == 1).astype(int)
X = (X - X.mean(0)) / X.std(0)
a = AdalineGD(n_iter=40, eta=.1).fit(X, y)
print(a.losses_[-1], (a.predict(X) == y).mean())
