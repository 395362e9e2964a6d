# causes: loss-misreported
import numpy as np

np.random.seed(7)
inputs = np.random.uniform(0, 1, (100, 3))
outputs = (inputs[:, 0] + inputs[:, 1] > inputs[:, 2] * 2).astype(float).reshape(-1, 1)

class NN:
    def __init__(self):
        self.w1 = np.random.randn(3, 5)
        self.w2 = np.random.randn(5, 1)
        self.b1 = np.zeros((1, 5))
        self.b2 = np.zeros((1, 1))

    def sigmoid(self, s, deriv=False):
        if deriv:
            return s * (1 - s)
        return 1 / (1 + np.exp(-s))

    def feed(self, X):
        self.h = self.sigmoid(X @ self.w1 + self.b1)
        return self.sigmoid(self.h @ self.w2 + self.b2)

    def train(self, X, y):
        out = self.feed(X)
        err = y - out
        d = err * self.sigmoid(out, True)
        dh = d @ self.w2.T * self.sigmoid(self.h, True)
        self.w2 += 0.1 * self.h.T @ d
        self.b2 += 0.1 * d.sum(0, keepdims=True)
        self.w1 += 0.1 * X.T @ dh
        self.b1 += 0.1 * dh.sum(0, keepdims=True)
        return np.mean(err)

nn = NN()
for epoch in range(1500):
    loss = nn.train(inputs, outputs)
    if epoch % 100 == 0:
        print("Loss: " + str(loss))
