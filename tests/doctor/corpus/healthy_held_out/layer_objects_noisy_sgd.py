# causes: none
import numpy as np
np.random.seed(14)

class Dense:
    def __init__(self, i, o):
        self.w = np.random.randn(i, o) * np.sqrt(2.0 / i)
        self.b = np.zeros((1, o))
    def forward(self, x):
        self.x = x
        return x.dot(self.w) + self.b
    def backward(self, dout, lr):
        dx = dout.dot(self.w.T)
        dw = self.x.T.dot(dout)
        db = dout.sum(axis=0, keepdims=True)
        self.w -= lr * dw
        self.b -= lr * db
        return dx

class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, dout, lr):
        return dout * self.mask

class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y
    def backward(self, dout, lr):
        return dout * self.y * (1 - self.y)

net = [Dense(2, 16), ReLU(), Dense(16, 1), Sigmoid()]
X = np.random.uniform(-1, 1, (300, 2))
Y = (X[:, :1] * X[:, 1:] > 0) * 1.0
for epoch in range(60):
    idx = np.random.permutation(300)
    for s in range(0, 300, 10):
        xb, yb = X[idx[s:s + 10]], Y[idx[s:s + 10]]
        out = xb
        for layer in net:
            out = layer.forward(out)
        d = 2 * (out - yb)
        for layer in reversed(net):
            d = layer.backward(d, 0.02)
    if epoch % 10 == 0:
        o = X
        for layer in net:
            o = layer.forward(o)
        print("epoch", epoch, "mse", np.mean((o - Y) ** 2))
