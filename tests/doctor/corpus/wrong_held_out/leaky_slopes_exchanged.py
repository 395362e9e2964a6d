# causes: wrong-gradient
import numpy as np

np.random.seed(21)


def leaky_relu(z, alpha=0.01):
    return np.where(z > 0, z, alpha * z)


def leaky_relu_grad(z, alpha=0.01):
    # slope on each side
    return np.where(z > 0, alpha, 1.0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class MLP:
    def __init__(self, n_in, n_hidden):
        self.W1 = np.random.randn(n_in, n_hidden) * np.sqrt(2 / n_in)
        self.b1 = np.zeros(n_hidden)
        self.W2 = np.random.randn(n_hidden, 1) * np.sqrt(2 / n_hidden)
        self.b2 = np.zeros(1)

    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = leaky_relu(self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        self.out = sigmoid(self.z2)
        return self.out

    def backward(self, X, y, lr):
        n = X.shape[0]
        dz2 = (self.out - y) / n
        dz1 = (dz2 @ self.W2.T) * leaky_relu_grad(self.z1)
        self.W2 -= lr * (self.a1.T @ dz2)
        self.b2 -= lr * dz2.sum(axis=0)
        self.W1 -= lr * (X.T @ dz1)
        self.b1 -= lr * dz1.sum(axis=0)


X = np.random.uniform(-1, 1, (200, 2))
y = (X[:, 0] * X[:, 1] > 0).astype(float)[:, None]
net = MLP(2, 12)
for epoch in range(800):
    p = net.forward(X)
    net.backward(X, y, lr=0.5)
    if epoch % 200 == 0:
        loss = -np.mean(y * np.log(p + 1e-8) + (1 - y) * np.log(1 - p + 1e-8))
        print("epoch", epoch, "loss", round(loss, 4), "acc", ((p > 0.5) == y).mean())
