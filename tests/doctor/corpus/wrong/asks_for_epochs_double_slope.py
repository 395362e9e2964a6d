# causes: derivative-twice
import numpy as np

try:
    epochs = int(input("How many epochs? "))
except (EOFError, ValueError):
    epochs = 800

class NeuralNetwork():
    def __init__(self, inputs, outputs):
        np.random.seed(13)
        self.inputs = inputs
        self.outputs = outputs
        self.hidden_weights = np.random.uniform(-1, 1, (inputs.shape[1], 7))
        self.out_weights = np.random.uniform(-1, 1, (7, 1))
        self.error_history = []

    def sigmoid(self, x, deriv=False):
        if deriv:
            return x * (1 - x)
        return 1 / (1 + np.exp(-x))

    def feed_forward(self):
        self.hidden = self.sigmoid(np.dot(self.inputs, self.hidden_weights))
        self.prediction = self.sigmoid(np.dot(self.hidden, self.out_weights))

    def backpropagation(self):
        self.error = self.outputs - self.prediction
        delta = self.error * self.sigmoid(self.prediction, deriv=True)
        hidden_error = np.dot(delta, self.out_weights.T) * self.sigmoid(self.hidden, deriv=True)
        hidden_delta = hidden_error * self.sigmoid(self.hidden, deriv=True)
        self.out_weights += np.dot(self.hidden.T, delta)
        self.hidden_weights += np.dot(self.inputs.T, hidden_delta)

    def train(self, epochs):
        for epoch in range(epochs):
            self.feed_forward()
            self.backpropagation()
            self.error_history.append(np.average(np.abs(self.error)))

inputs = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1], [0, 0.5, 1], [1, 0.5, 1]])
outputs = np.array([[0], [1], [1], [0], [0], [1]])
NN = NeuralNetwork(inputs, outputs)
NN.train(epochs)
print(NN.error_history[::100])
