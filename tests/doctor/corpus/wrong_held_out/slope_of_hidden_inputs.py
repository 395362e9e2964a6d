# causes: derivative-on-z|wrong-operand|wrong-gradient
import numpy as np
from sklearn.datasets import load_digits
# Make Your Own Neural Network style, digits 8x8
np.random.seed(0)


class NeuralNetwork:
    def __init__(self, inputnodes, hiddennodes, outputnodes, learningrate):
        self.inodes = inputnodes
        self.hnodes = hiddennodes
        self.onodes = outputnodes
        self.wih = np.random.normal(0.0, pow(self.inodes, -0.5), (self.hnodes, self.inodes))
        self.who = np.random.normal(0.0, pow(self.hnodes, -0.5), (self.onodes, self.hnodes))
        self.lr = learningrate
        self.activation_function = lambda x: 1 / (1 + np.exp(-x))

    def train(self, inputs_list, targets_list):
        inputs = np.array(inputs_list, ndmin=2).T
        targets = np.array(targets_list, ndmin=2).T
        hidden_inputs = np.dot(self.wih, inputs)
        hidden_outputs = self.activation_function(hidden_inputs)
        final_inputs = np.dot(self.who, hidden_outputs)
        final_outputs = self.activation_function(final_inputs)
        output_errors = targets - final_outputs
        hidden_errors = np.dot(self.who.T, output_errors)
        self.who += self.lr * np.dot((output_errors * final_outputs * (1.0 - final_outputs)), np.transpose(hidden_outputs))
        self.wih += self.lr * np.dot((hidden_errors * hidden_inputs * (1.0 - hidden_inputs)), np.transpose(inputs))

    def query(self, inputs_list):
        inputs = np.array(inputs_list, ndmin=2).T
        hidden_outputs = self.activation_function(np.dot(self.wih, inputs))
        return self.activation_function(np.dot(self.who, hidden_outputs))


digits = load_digits()
data = digits.data[:600] / 16.0 * 0.99 + 0.01
labels = digits.target[:600]
n = NeuralNetwork(64, 30, 10, 0.1)
for e in range(4):
    for record, label in zip(data, labels):
        targets = np.zeros(10) + 0.01
        targets[label] = 0.99
        n.train(record, targets)

scorecard = []
for record, label in zip(digits.data[600:800] / 16.0 * 0.99 + 0.01, digits.target[600:800]):
    scorecard.append(int(np.argmax(n.query(record)) == label))
print("performance =", sum(scorecard) / len(scorecard))
