# causes: never-reset
import numpy as np

class Layer:
    def __init__(self, n_in, n_out, rng):
        self.W = rng.normal(0, 1 / np.sqrt(n_in), (n_in, n_out))
        self.b = np.zeros(n_out)
        self.dW = np.zeros_like(self.W)
        self.db = np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        self.z = x @ self.W + self.b
        return self.z

    def backward(self, grad):
        self.dW += self.x.T @ grad
        self.db += grad.sum(axis=0)
        return grad @ self.W.T

    def step(self, lr):
        self.W -= lr * self.dW
        self.b -= lr * self.db


rng = np.random.default_rng(0)
X = rng.normal(size=(160, 2))
y = (X[:, :1] ** 2 + X[:, 1:] ** 2 > 1.2).astype(float)
l1, l2 = Layer(2, 10, rng), Layer(10, 1, rng)

for epoch in range(400):
    a = np.tanh(l1.forward(X))
    p = 1 / (1 + np.exp(-np.clip(l2.forward(a), -60, 60)))
    g = (p - y) / len(X)
    g = l2.backward(g) * (1 - a ** 2)
    l1.backward(g)
    l1.step(0.3)
    l2.step(0.3)
    if epoch % 80 == 0:
        loss = -np.mean(y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))
        print(f"epoch {epoch:3d} loss {loss:.4f} acc {((p > 0.5) == y).mean():.3f}")
