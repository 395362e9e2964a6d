# causes: none
import numpy as np

class Net:
    def __init__(self, sizes):
        rng = np.random.default_rng(6)
        self.W = [rng.normal(0, 2 / np.sqrt(i), (i, o)) for i, o in zip(sizes, sizes[1:])]
        self.b = [np.zeros(o) for o in sizes[1:]]

    def forward(self, x):
        acts = [x]
        for W, b in zip(self.W, self.b):
            acts.append(1 / (1 + np.exp(-(acts[-1] @ W + b))))
        return acts

    def train(self, x, y, lr):
        acts = self.forward(x)
        delta = (acts[-1] - y) / len(x)
        for i in reversed(range(len(self.W))):
            gW, gb = acts[i].T @ delta, delta.sum(0)
            delta = delta @ self.W[i].T * acts[i] * (1 - acts[i])
            self.W[i] -= lr * gW
            self.b[i] -= lr * gb
        return acts[-1]

rng = np.random.default_rng(1)
x = rng.normal(size=(150, 2))
y = (x[:, :1] > 0.5 * x[:, 1:]).astype(float)
net = Net([2, 8, 8, 8, 1])
for epoch in range(3000):
    out = net.train(x, y, 1.0)
    if epoch % 500 == 0:
        print(epoch, np.mean((out > .5) == y))
