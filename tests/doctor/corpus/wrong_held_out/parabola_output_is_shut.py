# causes: relu-output|dead-relu
import numpy as np


class Net:
    def __init__(self, seed):
        g = np.random.default_rng(seed)
        self.W1, self.b1 = g.normal(0, 0.5, (1, 8)), np.zeros(8)
        self.W2, self.b2 = -np.abs(g.normal(0, 0.5, (8, 1))), np.zeros(1)

    def forward(self, x):
        self.x = x
        self.z1 = x @ self.W1 + self.b1
        self.a1 = np.maximum(self.z1, 0)
        self.z2 = self.a1 @ self.W2 + self.b2
        return np.maximum(self.z2, 0)

    def train(self, x, y, lr):
        out = self.forward(x)
        d = (out - y) * (self.z2 > 0) / len(x)
        d1 = d @ self.W2.T * (self.z1 > 0)
        self.W2 -= lr * self.a1.T @ d
        self.b2 -= lr * d.sum(0)
        self.W1 -= lr * self.x.T @ d1
        self.b1 -= lr * d1.sum(0)
        return np.mean((out - y) ** 2)


x = np.linspace(0, 2, 40).reshape(-1, 1)
y = x**2
net = Net(3)
for e in range(300):
    loss = net.train(x, y, 0.05)
print(loss)
