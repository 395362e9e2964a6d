# causes: double-sigmoid
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

class Model:
    def __init__(self):
        rng = np.random.RandomState(2)
        self.W1 = rng.randn(2, 6)
        self.b1 = np.zeros(6)
        self.W2 = rng.randn(6, 1)
        self.b2 = np.zeros(1)

    def forward(self, X):
        self.a1 = np.tanh(X @ self.W1 + self.b1)
        self.a2 = sigmoid(self.a1 @ self.W2 + self.b2)
        return self.a2

    def loss(self, X, y):
        p = sigmoid(self.forward(X))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)), p

    def step(self, X, y, lr=0.5):
        loss, p = self.loss(X, y)
        dp = (p - y) / len(y)
        dz2 = dp * self.a2 * (1 - self.a2)
        dz1 = dz2 @ self.W2.T * (1 - self.a1 ** 2)
        self.W2 -= lr * self.a1.T @ dz2
        self.b2 -= lr * dz2.sum(0)
        self.W1 -= lr * X.T @ dz1
        self.b1 -= lr * dz1.sum(0)
        return loss

rs = np.random.RandomState(0)
X = rs.randn(200, 2)
y = (X[:, :1] + X[:, 1:] > 0.3).astype(float)
net = Model()
for epoch in range(800):
    l = net.step(X, y)
    if epoch % 80 == 0:
        print(epoch, l)
