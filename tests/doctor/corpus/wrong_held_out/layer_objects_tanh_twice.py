# causes: derivative-twice
import numpy as np


class Layer:
    def __init__(self, fan_in, fan_out, generator):
        limit = np.sqrt(6 / (fan_in + fan_out))
        self.weights = generator.uniform(-limit, limit, (fan_out, fan_in))
        self.bias = np.zeros((fan_out, 1))


class TanhLayer(Layer):
    def run(self, a):
        self.inputs = a
        self.outputs = np.tanh(self.weights @ a + self.bias)
        return self.outputs

    def gradient(self, upstream):
        local = upstream * (1 - self.outputs**2) * (1 - self.outputs**2)
        self.dw = local @ self.inputs.T
        self.db = local.sum(axis=1, keepdims=True)
        return self.weights.T @ local


generator = np.random.default_rng(101)
inputs = generator.uniform(-1, 1, (3, 120))
wanted = np.sign(inputs[:1] * inputs[1:2])
network = [TanhLayer(3, 10, generator), TanhLayer(10, 1, generator)]
count = inputs.shape[1]
for epoch in range(600):
    signal = inputs
    for layer in network:
        signal = layer.run(signal)
    flow = 2 * (signal - wanted) / count
    for layer in network[::-1]:
        flow = layer.gradient(flow)
    for layer in network:
        layer.weights -= 0.3 * layer.dw
        layer.bias -= 0.3 * layer.db
