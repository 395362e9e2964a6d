# causes: derivative-on-z
from numpy import exp, array, random, dot, mean, abs, where
import numpy as np

# neural network in n lines of python

class NeuralNetwork():
    def __init__(self, n_in, n_hidden):
        random.seed(1)
        self.synaptic_weights_1 = random.normal(0, 1, (n_in, n_hidden))
        self.synaptic_weights_2 = random.normal(0, 1, (n_hidden, 1))

    def __sigmoid(self, x):
        return 1 / (1 + exp(-x))

    def __sigmoid_derivative(self, x):
        return x * (1 - x)

    def train(self, inputs, outputs, number_of_iterations):
        for iteration in range(number_of_iterations):
            layer_1_in = dot(inputs, self.synaptic_weights_1)
            layer_1 = self.__sigmoid(layer_1_in)
            layer_2_in = dot(layer_1, self.synaptic_weights_2)
            layer_2 = self.__sigmoid(layer_2_in)

            error = outputs - layer_2
            if iteration % 1000 == 0:
                print("Error after %d iterations: %s" % (iteration, mean(abs(error))))
            delta_2 = error * self.__sigmoid_derivative(layer_2_in)
            delta_1 = dot(delta_2, self.synaptic_weights_2.T) * self.__sigmoid_derivative(layer_1_in)

            self.synaptic_weights_2 += 0.5 * dot(layer_1.T, delta_2)
            self.synaptic_weights_1 += 0.5 * dot(inputs.T, delta_1)

    def think(self, inputs):
        h = self.__sigmoid(dot(inputs, self.synaptic_weights_1))
        return self.__sigmoid(dot(h, self.synaptic_weights_2))

if __name__ == "__main__":
    # third column is always 1
    training_inputs = array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    training_outputs = array([[0, 1, 1, 0]]).T
    net = NeuralNetwork(3, 6)
    net.train(training_inputs, training_outputs, 10001)
    print("After training:")
    print(net.think(training_inputs))
