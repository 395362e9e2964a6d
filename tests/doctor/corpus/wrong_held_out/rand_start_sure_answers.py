# causes: all-positive-init|saturated
import numpy as np
from sklearn.datasets import load_digits

X, t = load_digits(return_X_y=True)
X = X[:150] / 16
Y = np.zeros((150, 10))
Y[range(150), t[:150]] = 1

class NeuralNetwork:
    def __init__(self, x, y):
        self.input = x
        self.weights1 = np.random.rand(self.input.shape[1], 40)
        self.weights2 = np.random.rand(40, 10)
        self.y = y
        self.output = np.zeros(self.y.shape)

    def feedforward(self):
        self.layer1 = 1 / (1 + np.exp(-np.dot(self.input, self.weights1)))
        self.output = 1 / (1 + np.exp(-np.dot(self.layer1, self.weights2)))

    def backprop(self, lr=0.01):
        d_out = 2 * (self.y - self.output) * self.output * (1 - self.output)
        d_weights2 = np.dot(self.layer1.T, d_out)
        d_weights1 = np.dot(self.input.T, np.dot(d_out, self.weights2.T) * self.layer1 * (1 - self.layer1))
        self.weights1 += lr * d_weights1
        self.weights2 += lr * d_weights2

np.random.seed(0)
nn = NeuralNetwork(X, Y)
for i in range(600):
    nn.feedforward()
    nn.backprop()
    if i % 100 == 0:
        print(i, np.mean((Y - nn.output) ** 2), np.mean(nn.output.argmax(1) == t[:150]))
print(np.mean(nn.output.argmax(1) == t[:150]))
