# causes: init-too-large|saturated
import numpy as np

class DenseNet:
    def __init__(self, layer_sizes, seed):
        rng = np.random.default_rng(seed)
        self.layers = []
        for n_in, n_out in zip(layer_sizes[:-1], layer_sizes[1:]):
            self.layers.append({"W": rng.normal(0, 12.0, (n_in, n_out)), "b": np.zeros(n_out)})

    def forward(self, x):
        outs = [x]
        for layer in self.layers[:-1]:
            outs.append(np.tanh(outs[-1] @ layer["W"] + layer["b"]))
        last = self.layers[-1]
        outs.append(outs[-1] @ last["W"] + last["b"])
        return outs

    def train(self, x, y, lr):
        outs = self.forward(x)
        delta = 2 * (outs[-1] - y) / y.size
        grads = []
        for k in reversed(range(len(self.layers))):
            grads.append((outs[k].T @ delta, delta.sum(axis=0)))
            if k > 0:
                delta = (delta @ self.layers[k]["W"].T) * (1 - outs[k] ** 2)
        for layer, (gW, gb) in zip(self.layers, reversed(grads)):
            layer["W"] -= lr * gW
            layer["b"] -= lr * gb
        return np.mean((outs[-1] - y) ** 2)

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, (200, 3))
y = np.sin(x[:, :1] * 2) + x[:, 1:2] * x[:, 2:]
net = DenseNet([3, 24, 24, 1], 1)
for epoch in range(500):
    loss = net.train(x, y, 0.01)
    if epoch % 50 == 0:
        print(f"Epoch: {epoch}, loss: {loss}")
