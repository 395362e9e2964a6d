# causes: symmetric-init
import numpy as np


class Net:
    def __init__(self, *sizes):
        self.w = [np.zeros((a, b)) for a, b in zip(sizes, sizes[1:])]
        self.b = [np.zeros((1, b)) for b in sizes[1:]]

    def forward(self, x):
        self.a = [x]
        for w, b in zip(self.w, self.b):
            self.a.append(np.tanh(self.a[-1] @ w + b))
        return self.a[-1]

    def step(self, x, y, lr):
        d = (self.forward(x) - y) * (1 - self.a[-1] ** 2)
        for i in reversed(range(len(self.w))):
            gw, gb = self.a[i].T @ d, d.sum(axis=0, keepdims=True)
            d = (d @ self.w[i].T) * (1 - self.a[i] ** 2)
            self.w[i] -= lr * gw
            self.b[i] -= lr * gb


X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1.0]])
Y = np.array([[-1], [1], [1], [-1.0]])
n = Net(2, 5, 3, 1)
for e in range(500):
    n.step(X, Y, 0.1)
print(n.forward(X).round(2))
