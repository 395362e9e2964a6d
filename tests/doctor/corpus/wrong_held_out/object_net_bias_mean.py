# causes: bias-axis
import numpy as np
class Net:
    def __init__(self, rs):
        self.weights = [rs.randn(6, 2), rs.randn(6, 6) * 0.5, rs.randn(1, 6) * 0.5]
        self.biases = [np.zeros((6, 1)), np.zeros((6, 1)), np.zeros((1, 1))]
    def forward(self, x):
        self.outs = [x]
        for w, b in zip(self.weights, self.biases):
            self.outs.append(1 / (1 + np.exp(-(w.dot(self.outs[-1]) + b))))
        return self.outs[-1]
    def backward(self, y, lr):
        n = y.shape[1]
        delta = (self.outs[-1] - y) / n
        steps = []
        for i in range(2, -1, -1):
            steps.append((i, delta.dot(self.outs[i].T), np.sum(delta, axis=0).mean()))
            if i:
                delta = self.weights[i].T.dot(delta) * self.outs[i] * (1 - self.outs[i])
        for i, dw, db in steps:
            self.weights[i] = self.weights[i] - lr * dw
            self.biases[i] = self.biases[i] - lr * db
rs = np.random.RandomState(0)
x = rs.uniform(-1, 1, (2, 200))
y = (x[:1] > np.abs(x[1:]) - 0.2).astype(int)
net = Net(rs)
for i in range(1500):
    out = net.forward(x)
    net.backward(y, 1.0)
    if i % 150 == 0:
        print(i, np.mean((out > 0.5) == y))
