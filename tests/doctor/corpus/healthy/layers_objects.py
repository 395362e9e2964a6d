# causes: none
from abc import ABC, abstractmethod
import numpy as np
class Layer(ABC):
    @abstractmethod
    def forward(self, x): ...
    @abstractmethod
    def backward(self, grad, learning_rate): ...
class Dense(Layer):
    def __init__(self, i, o):
        self.weights = np.random.randn(o, i)
        self.bias = np.random.randn(o, 1)
    def forward(self, x):
        self.input = x
        return np.dot(self.weights, self.input) + self.bias
    def backward(self, grad, learning_rate):
        wg = np.dot(grad, self.input.T)
        ig = np.dot(self.weights.T, grad)
        self.weights -= learning_rate * wg
        self.bias -= learning_rate * grad
        return ig
class Activation(Layer):
    def __init__(self, f, df): self.f, self.df = f, df
    def forward(self, x):
        self.input = x
        return self.f(x)
    def backward(self, grad, learning_rate):
        return np.multiply(grad, self.df(self.input))
class Tanh(Activation):
    def __init__(self):
        super().__init__(lambda x: np.tanh(x), lambda x: 1 - np.tanh(x) ** 2)
def mse(t, p): return np.mean(np.power(t - p, 2))
def mse_prime(t, p): return 2 * (p - t) / np.size(t)
np.random.seed(13)
X = np.reshape([[0, 0], [0, 1], [1, 0], [1, 1]], (4, 2, 1))
Y = np.reshape([[0], [1], [1], [0]], (4, 1, 1))
network = [Dense(2, 3), Tanh(), Dense(3, 1), Tanh()]
for e in range(500):
    error = 0
    for x, y in zip(X, Y):
        output = x
        for layer in network:
            output = layer.forward(output)
        error += mse(y, output)
        grad = mse_prime(y, output)
        for layer in reversed(network):
            grad = layer.backward(grad, 0.1)
    error /= len(X)
    if e % 100 == 0:
        print('%d/%d, error=%f' % (e + 1, 500, error))
