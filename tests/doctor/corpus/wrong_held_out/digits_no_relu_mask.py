# causes: missing-derivative
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
X = digits.data / 16.0
Y = np.eye(10)[digits.target]

class NeuralNet:
    def __init__(self, n_in, n_hidden, n_out, lr=0.1):
        rng = np.random.default_rng(3)
        self.W1 = rng.normal(0, np.sqrt(2 / n_in), (n_in, n_hidden))
        self.b1 = np.zeros(n_hidden)
        self.W2 = rng.normal(0, np.sqrt(2 / n_hidden), (n_hidden, n_out))
        self.b2 = np.zeros(n_out)
        self.lr = lr

    def forward(self, X):
        self.h = np.maximum(0, X @ self.W1 + self.b1)
        scores = self.h @ self.W2 + self.b2
        scores -= scores.max(axis=1, keepdims=True)
        e = np.exp(scores)
        return e / e.sum(axis=1, keepdims=True)

    def train_step(self, X, Y):
        p = self.forward(X)
        d2 = (p - Y) / len(X)
        d1 = d2 @ self.W2.T
        self.W2 -= self.lr * self.h.T @ d2
        self.b2 -= self.lr * d2.sum(axis=0)
        self.W1 -= self.lr * X.T @ d1
        self.b1 -= self.lr * d1.sum(axis=0)
        return -np.mean(np.log(p[np.arange(len(X)), Y.argmax(1)] + 1e-12))

net = NeuralNet(64, 32, 10)
for epoch in range(20):
    order = np.random.permutation(len(X))
    for k in range(0, len(X), 64):
        idx = order[k:k + 64]
        loss = net.train_step(X[idx], Y[idx])
    acc = (net.forward(X).argmax(1) == digits.target).mean()
    print(epoch, loss, acc)
