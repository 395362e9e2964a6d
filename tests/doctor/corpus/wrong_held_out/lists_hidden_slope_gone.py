# causes: missing-derivative
from math import exp
from random import seed, random

def initialize_network(n_inputs, n_hidden, n_outputs):
    network = list()
    network.append([{'weights': [random() * 2 - 1 for i in range(n_inputs + 1)]} for i in range(n_hidden)])
    network.append([{'weights': [random() * 2 - 1 for i in range(n_hidden + 1)]} for i in range(n_outputs)])
    return network

def activate(weights, inputs):
    activation = weights[-1]
    for i in range(len(weights) - 1):
        activation += weights[i] * inputs[i]
    return activation

def transfer(activation):
    return 1.0 / (1.0 + exp(-activation))

def forward_propagate(network, row):
    inputs = row
    for layer in network:
        new_inputs = []
        for neuron in layer:
            neuron['output'] = transfer(activate(neuron['weights'], inputs))
            new_inputs.append(neuron['output'])
        inputs = new_inputs
    return inputs

def transfer_derivative(output):
    return output * (1.0 - output)

def backward_propagate_error(network, expected):
    for i in reversed(range(len(network))):
        layer = network[i]
        errors = list()
        if i != len(network) - 1:
            for j in range(len(layer)):
                error = 0.0
                for neuron in network[i + 1]:
                    error += (neuron['weights'][j] * neuron['delta'])
                errors.append(error)
            for j in range(len(layer)):
                layer[j]['delta'] = errors[j]
        else:
            for j in range(len(layer)):
                neuron = layer[j]
                neuron['delta'] = (neuron['output'] - expected[j]) * transfer_derivative(neuron['output'])

def update_weights(network, row, l_rate):
    for i in range(len(network)):
        inputs = row[:-1]
        if i != 0:
            inputs = [neuron['output'] for neuron in network[i - 1]]
        for neuron in network[i]:
            for j in range(len(inputs)):
                neuron['weights'][j] -= l_rate * neuron['delta'] * inputs[j]
            neuron['weights'][-1] -= l_rate * neuron['delta']

def train_network(network, train, l_rate, n_epoch, n_outputs):
    for epoch in range(n_epoch):
        sum_error = 0
        for row in train:
            outputs = forward_propagate(network, row)
            expected = [0 for i in range(n_outputs)]
            expected[row[-1]] = 1
            sum_error += sum([(expected[i] - outputs[i]) ** 2 for i in range(len(expected))])
            backward_propagate_error(network, expected)
            update_weights(network, row, l_rate)
        print('>epoch=%d, lrate=%.3f, error=%.3f' % (epoch, l_rate, sum_error))

seed(1)
dataset = [[2.78, 2.55, 0], [1.46, 2.36, 0], [3.39, 4.40, 0], [1.38, 1.85, 0], [3.06, 3.0, 0],
           [7.62, 2.75, 1], [5.33, 2.08, 1], [6.92, 1.77, 1], [8.67, -0.24, 1], [7.67, 3.5, 1]]
network = initialize_network(2, 3, 2)
train_network(network, dataset, 0.3, 60, 2)
