import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Network:
    def __init__(self, sizes, seed=0):
        rng = np.random.default_rng(seed)
        self.W = [rng.normal(0, 1, (a, b)) for a, b in zip(sizes, sizes[1:])]
        self.b = [np.zeros((1, b)) for b in sizes[1:]]

    def forward(self, X):
        self.a = [X]
        for W, b in zip(self.W, self.b):
            self.a.append(sigmoid(self.a[-1] @ W + b))
        return self.a[-1]

    def backward(self, y):
        self.dW, self.db = [], []
        delta = (self.a[-1] - y) / len(y)
        for i in range(len(self.W) - 1, -1, -1):
            self.dW.insert(0, self.a[i].T @ delta)
            self.db.insert(0, delta.sum(0, keepdims=True))
            delta = delta @ self.W[i].T

    def update(self, lr):
        for i in range(len(self.W)):
            self.W[i] -= lr * self.dW[i]
            self.b[i] -= lr * self.db[i]
