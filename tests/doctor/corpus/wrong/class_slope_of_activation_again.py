# causes: derivative-on-z
import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def sigmoid_prime(x):
    return sigmoid(x) * (1 - sigmoid(x))


class NeuralNetwork:
    def __init__(self, n_in, n_hidden):
        rng = np.random.RandomState(1)
        self.w1 = rng.normal(0, 0.7, (n_in, n_hidden))
        self.w2 = rng.normal(0, 0.7, (n_hidden, 1))
        self.b1 = np.zeros(n_hidden)
        self.b2 = np.zeros(1)

    def feedforward(self, x):
        self.layer1 = sigmoid(x @ self.w1 + self.b1)
        self.output = sigmoid(self.layer1 @ self.w2 + self.b2)
        return self.output

    def backprop(self, x, y, lr):
        delta2 = (self.output - y) * sigmoid_prime(self.output)
        delta1 = delta2 @ self.w2.T * sigmoid_prime(self.layer1)
        self.w2 -= lr * self.layer1.T @ delta2
        self.b2 -= lr * delta2.sum(axis=0)
        self.w1 -= lr * x.T @ delta1
        self.b1 -= lr * delta1.sum(axis=0)


rng = np.random.RandomState(0)
x = rng.uniform(-1, 1, (60, 2))
y = (x[:, :1] * x[:, 1:] > 0).astype(float)
nn = NeuralNetwork(2, 8)
for epoch in range(1500):
    nn.feedforward(x)
    nn.backprop(x, y, 0.1)
    if epoch % 100 == 0:
        print(((nn.output - y) ** 2).mean())
