# causes: none
import numpy as np
from sklearn.datasets import load_wine

wine = load_wine()
X = (wine.data - wine.data.mean(0)) / wine.data.std(0)
T = np.eye(3)[wine.target]

class DropoutNet:
    def __init__(self, keep=0.7):
        self.rng = np.random.default_rng(2)
        self.keep = keep
        self.W1 = self.rng.normal(0, 0.3, (13, 32)); self.b1 = np.zeros(32)
        self.W2 = self.rng.normal(0, 0.2, (32, 3)); self.b2 = np.zeros(3)

    def forward(self, X, training):
        self.h = np.maximum(X @ self.W1 + self.b1, 0)
        if training:
            self.mask = (self.rng.random(self.h.shape) < self.keep) / self.keep
            self.h = self.h * self.mask
        s = self.h @ self.W2 + self.b2
        e = np.exp(s - s.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    def fit(self, X, T, lr, epochs):
        for epoch in range(epochs):
            p = self.forward(X, True)
            d = (p - T) / len(X)
            dh = d @ self.W2.T * self.mask * (self.h > 0)
            self.W2 -= lr * self.h.T @ d; self.b2 -= lr * d.sum(0)
            self.W1 -= lr * X.T @ dh; self.b1 -= lr * dh.sum(0)
            if epoch % 20 == 0:
                print(epoch, (self.forward(X, False).argmax(1) == T.argmax(1)).mean())

DropoutNet().fit(X, T, 0.3, 200)
