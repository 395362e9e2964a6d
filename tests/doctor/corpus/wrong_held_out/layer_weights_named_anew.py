# causes: not-updated
import numpy as np
rng = np.random.default_rng(8)
X = rng.normal(size=(100, 4)); y = (X[:, 0] > X[:, 1]).astype(float).reshape(-1, 1)
class Net:
    def __init__(self):
        self.w = [rng.normal(0, .5, (4, 8)), rng.normal(0, .5, (8, 1))]
        self.b = [np.zeros((1, 8)), np.zeros((1, 1))]
    def forward(self, x):
        self.a = [x]
        for w, b in zip(self.w, self.b):
            self.a.append(1 / (1 + np.exp(-(self.a[-1] @ w + b))))
        return self.a[-1]
    def backward(self, y, lr):
        delta = (self.a[-1] - y) / len(y)
        for i in (1, 0):
            gw = self.a[i].T @ delta
            gb = delta.sum(0, keepdims=True)
            delta = delta @ self.w[i].T * self.a[i] * (1 - self.a[i])
            w, b = self.w[i], self.b[i]
            w = w - lr * gw
            b = b - lr * gb
net = Net()
for e in range(300):
    p = net.forward(X)
    net.backward(y, 0.5)
    if e % 50 == 0: print(e, -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
