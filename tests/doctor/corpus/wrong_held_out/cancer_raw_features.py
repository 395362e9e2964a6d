# causes: unscaled-inputs
import numpy as np
import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

class LogisticRegression:
    def __init__(self, lr=0.01, n_iters=500):
        self.lr = lr
        self.n_iters = n_iters

    def fit(self, X, y):
        n_samples, n_features = X.shape
        self.weights = np.zeros(n_features)
        self.bias = 0
        self.losses = []
        for _ in range(self.n_iters):
            linear = np.dot(X, self.weights) + self.bias
            y_pred = 1 / (1 + np.exp(-linear))
            dw = (1 / n_samples) * np.dot(X.T, (y_pred - y))
            db = (1 / n_samples) * np.sum(y_pred - y)
            self.weights -= self.lr * dw
            self.bias -= self.lr * db
            self.losses.append(-np.mean(y * np.log(y_pred + 1e-9) + (1 - y) * np.log(1 - y_pred + 1e-9)))

    def predict(self, X):
        return (1 / (1 + np.exp(-(X @ self.weights + self.bias))) > 0.5).astype(int)

clf = LogisticRegression()
clf.fit(X_train, y_train)
print("test accuracy", np.mean(clf.predict(X_test) == y_test))
plt.plot(clf.losses)
plt.show()
