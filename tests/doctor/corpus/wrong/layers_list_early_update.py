# causes: updated-too-early
import numpy as np
from dataclasses import dataclass

class Dense:
    def __init__(self, n_in, n_out, rng):
        self.W = rng.normal(0, 1 / np.sqrt(n_in), size=(n_in, n_out))
        self.b = np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad, lr):
        self.W -= lr * self.x.T @ grad
        self.b -= lr * grad.sum(axis=0, keepdims=True)
        return grad @ self.W.T

class Tanh:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, grad, lr):
        return grad * (1 - self.out ** 2)

rng = np.random.default_rng(12)
x = np.linspace(-3, 3, 80).reshape(-1, 1)
y = np.sin(x) * 0.8
layers = [Dense(1, 8, rng), Tanh(), Dense(8, 8, rng), Tanh(), Dense(8, 1, rng)]
for epoch in range(1000):
    out = x
    for layer in layers:
        out = layer.forward(out)
    loss = np.mean((out - y) ** 2)
    grad = 2 * (out - y) / len(y)
    for layer in reversed(layers):
        grad = layer.backward(grad, 1.0)
    if epoch % 100 == 0:
        print(f"epoch {epoch:4d}  mse {loss:.5f}")
