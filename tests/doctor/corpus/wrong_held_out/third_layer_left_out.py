# causes: not-in-graph|wrong-operand|wrong-gradient
import numpy as np

class ThreeLayer:
    def __init__(self):
        g = np.random.default_rng(10)
        self.W1 = g.normal(0, 1, (2, 4)); self.b1 = np.zeros((1, 4))
        self.W2 = g.normal(0, 1, (4, 4)); self.b2 = np.zeros((1, 4))
        self.W3 = g.normal(0, 1, (4, 1)); self.b3 = np.zeros((1, 1))

    def forward(self, X):
        self.a1 = np.tanh(X @ self.W1 + self.b1)
        self.a2 = np.tanh(self.a1 @ self.W2 + self.b2)
        self.a3 = 1 / (1 + np.exp(-(self.a1 @ self.W3 + self.b3)))
        return self.a3

    def backward(self, X, y, lr):
        m = len(X)
        d3 = (self.a3 - y) / m
        d2 = d3 @ self.W3.T * (1 - self.a2 ** 2)
        d1 = d2 @ self.W2.T * (1 - self.a1 ** 2)
        self.W3 -= lr * self.a2.T @ d3
        self.b3 -= lr * d3.sum(axis=0, keepdims=True)
        self.W2 -= lr * self.a1.T @ d2
        self.b2 -= lr * d2.sum(axis=0, keepdims=True)
        self.W1 -= lr * X.T @ d1
        self.b1 -= lr * d1.sum(axis=0, keepdims=True)

g = np.random.default_rng(3)
X = g.uniform(-1, 1, (200, 2))
y = (X[:, :1] * X[:, 1:] > 0).astype(float)
net = ThreeLayer()
for epoch in range(1000):
    p = net.forward(X)
    net.backward(X, y, 0.5)
    if epoch % 100 == 0:
        print(epoch, np.mean((p > 0.5) == y))
