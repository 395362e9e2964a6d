# causes: missing-derivative
"""Two moons classifier with plots."""
import numpy as np
import matplotlib.pyplot as plt


def make_moons(n, noise, rng):
    t = rng.uniform(0, np.pi, n)
    a = np.stack([np.cos(t), np.sin(t)], 1)
    b = np.stack([1 - np.cos(t), 0.5 - np.sin(t)], 1)
    X = np.concatenate([a, b]) + rng.normal(0, noise, (2 * n, 2))
    return X, np.concatenate([np.zeros(n), np.ones(n)])[:, None]


class Net:
    def __init__(self, sizes, rng):
        self.layers = [
            {"w": rng.normal(0, 1 / np.sqrt(i), (i, o)), "b": np.zeros((1, o))}
            for i, o in zip(sizes[:-1], sizes[1:])
        ]

    def forward(self, x):
        self.acts = [x]
        for layer in self.layers:
            x = 1.0 / (1.0 + np.exp(-(x @ layer["w"] + layer["b"])))
            self.acts.append(x)
        return x

    def step(self, y, lr):
        delta = (self.acts[-1] - y) / len(y)
        for k in reversed(range(len(self.layers))):
            layer = self.layers[k]
            gw = self.acts[k].T @ delta
            gb = delta.sum(axis=0, keepdims=True)
            delta = delta @ layer["w"].T
            layer["w"] -= lr * gw
            layer["b"] -= lr * gb


rng = np.random.default_rng(11)
X, y = make_moons(80, 0.1, rng)
net = Net([2, 8, 8, 1], rng)
curve = []
for epoch in range(600):
    p = net.forward(X)
    eps = 1e-9
    curve.append(float(-np.mean(y * np.log(p + eps) + (1 - y) * np.log(1 - p + eps))))
    net.step(y, 0.5)
    if epoch % 100 == 0:
        print(epoch, curve[-1])

plt.figure(figsize=(6, 4))
plt.plot(curve)
plt.title("loss")
plt.show()
