# causes: derivative-on-z
import numpy as np

def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))

def sigmoid_derivative(x):
    return x * (1.0 - x)

class Layer:
    def __init__(self, n_in, n_out, rng):
        self.weights = rng.uniform(-1, 1, (n_in, n_out))
        self.bias = np.zeros((1, n_out))

    def forward(self, inputs):
        self.inputs = inputs
        self.z = inputs @ self.weights + self.bias
        self.output = sigmoid(self.z)
        return self.output

    def backward(self, grad, lr):
        grad = grad * sigmoid_derivative(self.z)
        grad_inputs = grad @ self.weights.T
        self.weights -= lr * self.inputs.T @ grad
        self.bias -= lr * grad.sum(axis=0, keepdims=True)
        return grad_inputs

rng = np.random.default_rng(7)
X = rng.normal(size=(200, 2))
y = (X[:, :1] * X[:, 1:] > 0).astype(float)

layers = [Layer(2, 8, rng), Layer(8, 1, rng)]
for epoch in range(1000):
    out = X
    for layer in layers:
        out = layer.forward(out)
    loss = np.mean((out - y) ** 2)
    grad = 2 * (out - y) / len(X)
    for layer in reversed(layers):
        grad = layer.backward(grad, 0.5)
    if epoch % 100 == 0:
        print(f"epoch {epoch}: {loss:.4f}")
