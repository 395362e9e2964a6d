# causes: shuffled-without-labels
import numpy as np

class LogisticRegression:
    def __init__(self, lr=0.1, n_iters=60, batch_size=16):
        self.lr, self.n_iters, self.batch_size = lr, n_iters, batch_size
        self.w = None
        self.bias = None
        self.history = []

    def _sigmoid(self, z):
        return 1 / (1 + np.exp(-z))

    def fit(self, X, y):
        n_samples, n_features = X.shape
        self.w = np.zeros(n_features)
        self.bias = 0.0
        for _ in range(self.n_iters):
            np.random.shuffle(X)
            for start in range(0, n_samples, self.batch_size):
                xb = X[start:start + self.batch_size]
                yb = y[start:start + self.batch_size]
                y_pred = self._sigmoid(np.dot(xb, self.w) + self.bias)
                self.w -= self.lr * np.dot(xb.T, (y_pred - yb)) / len(yb)
                self.bias -= self.lr * np.mean(y_pred - yb)
            p = self._sigmoid(X @ self.w + self.bias)
            self.history.append(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
        return self

    def predict(self, X):
        return (self._sigmoid(X @ self.w + self.bias) >= 0.5).astype(int)

np.random.seed(4)
X = np.random.normal(size=(160, 4))
y = (X @ np.array([2.0, -1.0, 0.5, 0.0]) > 0).astype(int)
model = LogisticRegression()
model.fit(X, y)
print("Accuracy:", (model.predict(X) == y).mean())
print(model.history[::10])
