# causes: symmetric-init
import numpy as np
from sklearn.datasets import make_circles

X, y = make_circles(n_samples=200, factor=0.4, noise=0.08, random_state=3)
y = y[:, None].astype(float)

class Net():
    def __init__(self):
        self.params = dict(W1=np.full((2, 8), 0.1), b1=np.zeros((1, 8)),
                           W2=np.full((8, 1), 0.1), b2=np.zeros((1, 1)))

    def __call__(self, X):
        p = self.params
        self.a1 = np.tanh(X @ p["W1"] + p["b1"])
        self.a2 = 1 / (1 + np.exp(-(self.a1 @ p["W2"] + p["b2"])))
        return self.a2

    def fit(self, X, y, epochs, lr):
        p = self.params
        for e in range(epochs):
            out = self(X)
            d2 = (out - y) / X.shape[0]
            grads = {"W2": self.a1.T @ d2, "b2": d2.sum(0, keepdims=True)}
            d1 = (d2 @ p["W2"].T) * (1 - self.a1 ** 2)
            grads["W1"] = X.T @ d1
            grads["b1"] = d1.sum(0, keepdims=True)
            for name, g in grads.items():
                p[name] -= lr * g
            if e % 100 == 0:
                print(e, np.mean((out > 0.5) == y))

net = Net()
net.fit(X, y, 1000, 0.5)
