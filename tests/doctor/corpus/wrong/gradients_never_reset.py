# causes: never-reset
import numpy as np

rng = np.random.default_rng(50)
X = rng.normal(size=(60, 2))
y = (X[:, :1] * X[:, 1:] > 0).astype(float)


class Layer:
    def __init__(self, a, b):
        self.W = rng.normal(0, 1 / np.sqrt(a), (a, b))
        self.b = np.zeros(b)
        self.dW = np.zeros((a, b))
        self.db = np.zeros(b)

    def forward(self, x):
        self.x = x
        self.out = np.tanh(x @ self.W + self.b)
        return self.out

    def backward(self, g):
        g = g * (1 - self.out**2)
        self.dW += self.x.T @ g
        self.db += g.sum(axis=0)
        return g @ self.W.T


layers = [Layer(2, 6), Layer(6, 1)]
for epoch in range(500):
    a = X
    for layer in layers:
        a = layer.forward(a)
    g = 2 * (a - (2 * y - 1)) / len(X)
    for layer in reversed(layers):
        g = layer.backward(g)
    for layer in layers:
        layer.W -= 0.1 * layer.dW
        layer.b -= 0.1 * layer.db
