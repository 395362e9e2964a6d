# causes: step-too-small
import numpy as np


class Regressor:
    def __init__(self, features, learning_rate=1e-6, epochs=500):
        self.coef = np.zeros((features, 1))
        self.intercept = np.zeros((1, 1))
        self.learning_rate, self.epochs = learning_rate, epochs

    def predict(self, X):
        return X @ self.coef + self.intercept

    def fit(self, X, y):
        for _ in range(self.epochs):
            gap = self.predict(X) - y
            self.coef -= self.learning_rate * 2 / len(X) * X.T @ gap
            self.intercept -= self.learning_rate * 2 / len(X) * gap.sum()
        return self


rng = np.random.default_rng(106)
X = rng.normal(size=(70, 3))
y = X @ np.array([[1.0], [2.0], [-1.0]]) + 0.5
print(Regressor(3).fit(X, y).coef.ravel())
