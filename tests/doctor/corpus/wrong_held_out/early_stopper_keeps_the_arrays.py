# causes: aliased-buffer
import copy
import numpy as np

class Net:
    def __init__(self, rng):
        self.W1 = rng.normal(0, 1, (2, 30)); self.b1 = np.zeros(30)
        self.W2 = rng.normal(0, .3, (30, 1)); self.b2 = np.zeros(1)
    def forward(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2
    def get_weights(self):
        return [self.W1, self.b1, self.W2, self.b2]
    def step(self, X, y, lr):
        d = 2 * (self.forward(X) - y) / len(X)
        dh = d @ self.W2.T * (1 - self.h ** 2)
        self.W2 -= lr * self.h.T @ d
        self.b2 -= lr * d.sum(0)
        self.W1 -= lr * X.T @ dh
        self.b1 -= lr * dh.sum(0)

class EarlyStopper:
    def __init__(self, patience):
        self.patience, self.best, self.wait, self.weights = patience, None, 0, None
    def update(self, loss, net):
        if self.best is None or loss < self.best:
            self.best = loss
            self.weights = net.get_weights()
            self.wait = 0
        else:
            self.wait += 1
        return self.wait > self.patience

def train():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)); y = X[:, :1] * X[:, 1:] + rng.normal(0, .5, (30, 1))
    Xv = rng.normal(size=(100, 2)); yv = Xv[:, :1] * Xv[:, 1:]
    net, stop = Net(rng), EarlyStopper(200)
    for epoch in range(3000):
        net.step(X, y, 0.1)
        val = np.mean((net.forward(Xv) - yv) ** 2)
        if stop.update(val, net):
            break
    net.W1, net.b1, net.W2, net.b2 = stop.weights
    print(epoch, "best", stop.best, "restored", np.mean((net.forward(Xv) - yv) ** 2))

train()
