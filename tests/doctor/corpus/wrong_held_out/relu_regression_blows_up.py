# causes: init-too-large|exploding|step-too-large
import numpy as np

class Net:
    def __init__(self):
        r = np.random.default_rng(1)
        self.w = [r.normal(0, 1, (1, 30)), r.normal(0, 1, (30, 30)), r.normal(0, 1, (30, 1))]
        self.b = [np.zeros(30), np.zeros(30), np.zeros(1)]

    def forward(self, x):
        self.z, self.a = [], [x]
        for i in range(3):
            self.z.append(self.a[-1] @ self.w[i] + self.b[i])
            self.a.append(np.maximum(self.z[-1], 0) if i < 2 else self.z[-1])
        return self.a[-1]

    def backward(self, y, lr):
        d = 2 * (self.a[-1] - y) / len(y)
        gw, gb = [0] * 3, [0] * 3
        for i in (2, 1, 0):
            gw[i] = self.a[i].T @ d
            gb[i] = d.sum(axis=0)
            if i:
                d = d @ self.w[i].T * (self.z[i - 1] > 0)
        for i in range(3):
            self.w[i] -= lr * gw[i]
            self.b[i] -= lr * gb[i]

x = np.linspace(0, 5, 100).reshape(-1, 1)
y = x ** 2
net = Net()
for epoch in range(200):
    out = net.forward(x)
    net.backward(y, 0.01)
    if epoch % 20 == 0:
        print(epoch, np.mean((out - y) ** 2))
