# causes: step-too-small
import numpy as np

class NeuralNetwork:
    """2-3-1 network for xor"""
    def __init__(self):
        np.random.seed(12)
        self.weights1 = np.random.randn(2, 3)
        self.weights2 = np.random.randn(3, 1)
        self.bias1 = np.zeros((1, 3))
        self.bias2 = np.zeros((1, 1))
        self.learning_rate = 0.001

    def sigmoid(self, x, deriv=False):
        if deriv:
            return x * (1 - x)
        return 1 / (1 + np.exp(-x))

    def feedforward(self, X):
        self.layer1 = self.sigmoid(np.dot(X, self.weights1) + self.bias1)
        self.output = self.sigmoid(np.dot(self.layer1, self.weights2) + self.bias2)
        return self.output

    def backprop(self, X, y):
        d_output = 2 * (y - self.output) * self.sigmoid(self.output, True)
        d_hidden = np.dot(d_output, self.weights2.T) * self.sigmoid(self.layer1, True)
        self.weights2 += self.learning_rate * np.dot(self.layer1.T, d_output)
        self.bias2 += self.learning_rate * np.sum(d_output, axis=0, keepdims=True)
        self.weights1 += self.learning_rate * np.dot(X.T, d_hidden)
        self.bias1 += self.learning_rate * np.sum(d_hidden, axis=0, keepdims=True)

    def train(self, X, y, epochs):
        for i in range(epochs):
            self.feedforward(X)
            self.backprop(X, y)
            if i % 1000 == 0:
                print("loss:", np.mean(np.square(y - self.output)))

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])
nn = NeuralNetwork()
nn.train(X, y, 5000)
print(nn.feedforward(X))
