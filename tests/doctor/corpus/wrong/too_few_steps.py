# causes: too-few-steps
import numpy as np
rng = np.random.default_rng(9)
X = rng.normal(size=(200, 2))
y = ((X ** 2).sum(1) < 1.2).astype(float).reshape(-1, 1)

def sigmoid(v):
    return 1 / (1 + np.exp(-v))

class MLP:
    def __init__(self):
        self.w1 = rng.normal(0, 1, (2, 10)); self.b1 = np.zeros((1, 10))
        self.w2 = rng.normal(0, .4, (10, 1)); self.b2 = np.zeros((1, 1))

    def train(self, X, y, epochs, lr):
        for epoch in range(epochs):
            h = np.tanh(X @ self.w1 + self.b1)
            p = sigmoid(h @ self.w2 + self.b2)
            d2 = (p - y) / len(X)
            d1 = (d2 @ self.w2.T) * (1 - h ** 2)
            self.w2 -= lr * (h.T @ d2)
            self.b2 -= lr * d2.sum(0, keepdims=True)
            self.w1 -= lr * (X.T @ d1)
            self.b1 -= lr * d1.sum(0, keepdims=True)
            print("epoch", epoch, "acc", np.mean((p > 0.5) == y))

MLP().train(X, y, epochs=10, lr=0.5)
