# causes: none
import numpy as np
from sklearn.datasets import load_digits
np.random.seed(0)


class neuralNetwork:
    # initialise the neural network
    def __init__(self, inputnodes, hiddennodes, outputnodes, learningrate):
        self.wih = np.random.normal(0.0, pow(inputnodes, -0.5), (hiddennodes, inputnodes))
        self.who = np.random.normal(0.0, pow(hiddennodes, -0.5), (outputnodes, hiddennodes))
        self.lr = learningrate
        self.activation_function = lambda x: 1 / (1 + np.exp(-x))

    def train(self, inputs_list, targets_list):
        inputs = np.array(inputs_list, ndmin=2).T
        targets = np.array(targets_list, ndmin=2).T
        hidden_outputs = self.activation_function(np.dot(self.wih, inputs))
        final_outputs = self.activation_function(np.dot(self.who, hidden_outputs))
        output_errors = targets - final_outputs
        # hidden layer error is the output_errors, split by weights, recombined at hidden nodes
        hidden_errors = np.dot(self.who.T, output_errors * final_outputs * (1.0 - final_outputs))
        self.who += self.lr * np.dot((output_errors * final_outputs * (1.0 - final_outputs)), np.transpose(hidden_outputs))
        self.wih += self.lr * np.dot((hidden_errors * hidden_outputs * (1.0 - hidden_outputs)), np.transpose(inputs))

    def query(self, inputs_list):
        inputs = np.array(inputs_list, ndmin=2).T
        return self.activation_function(np.dot(self.who, self.activation_function(np.dot(self.wih, inputs))))


digits = load_digits()
data = digits.data / 16.0 * 0.99 + 0.01
n = neuralNetwork(64, 40, 10, 0.2)
for e in range(5):
    for i in range(800):
        targets = np.zeros(10) + 0.01
        targets[digits.target[i]] = 0.99
        n.train(data[i], targets)
score = [np.argmax(n.query(data[i])) == digits.target[i] for i in range(800, 1200)]
print("performance", np.mean(score))
