# causes: missing-derivative
import numpy as np
def sigmoid(x): return 1 / (1 + np.exp(-x))
def sigmoid_derivative(x): return x * (1 - x)
class NeuralNetwork:
    def __init__(self, x, y):
        np.random.seed(60)
        self.input = x
        self.weights1 = np.random.rand(self.input.shape[1], 4) - .5
        self.weights2 = np.random.rand(4, 1) - .5
        self.y = y
        self.output = np.zeros(self.y.shape)
    def feedforward(self):
        self.layer1 = sigmoid(np.dot(self.input, self.weights1))
        self.output = sigmoid(np.dot(self.layer1, self.weights2))
    def loss(self):
        return ((self.y - self.output) ** 2).mean()
    def backprop(self):
        d2 = 2 * (self.y - self.output) * sigmoid_derivative(self.output)
        d_weights2 = np.dot(self.layer1.T, d2)
        d_weights1 = np.dot(self.input.T, np.dot(d2, self.weights2.T))
        self.weights1 += d_weights1
        self.weights2 += d_weights2
if __name__ == "__main__":
    X = np.array([[0,0,1],[0,1,1],[1,0,1],[1,1,1]])
    y = np.array([[0],[1],[1],[0]])
    nn = NeuralNetwork(X, y)
    for i in range(1500):
        nn.feedforward()
        nn.backprop()
        if i % 500 == 0:
            print(nn.loss())
    print(nn.output)
