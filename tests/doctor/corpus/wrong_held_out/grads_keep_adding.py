# causes: never-reset
import numpy as np

class Linear:
    def __init__(self, i, o):
        self.W = np.random.randn(i, o) / np.sqrt(i)
        self.b = np.zeros(o)
        self.dW = np.zeros_like(self.W)
        self.db = np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.dW += self.x.T @ g
        self.db += g.sum(axis=0)
        return g @ self.W.T

    def step(self, lr):
        self.W -= lr * self.dW
        self.b -= lr * self.db

class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, g):
        return g * (1 - self.y ** 2)

    def step(self, lr):
        pass

np.random.seed(1)
X = np.random.randn(128, 2)
Y = np.stack([np.sin(X[:, 0]), X[:, 0] * X[:, 1]], axis=1)
net = [Linear(2, 16), Tanh(), Linear(16, 2)]
for epoch in range(300):
    out = X
    for l in net:
        out = l.forward(out)
    loss = ((out - Y) ** 2).mean()
    g = 2 * (out - Y) / out.size
    for l in net[::-1]:
        g = l.backward(g)
    for l in net:
        l.step(0.1)
    if epoch % 30 == 0:
        print(epoch, loss)
