# causes: none
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Affine:
    W: np.ndarray
    b: np.ndarray
    cache: dict = field(default_factory=dict)

    def forward(self, x):
        self.cache["x"] = x
        return x @ self.W + self.b

    def backward(self, g, rate):
        gx = g @ self.W.T
        self.W -= rate * self.cache["x"].T @ g
        self.b -= rate * g.sum(axis=0)
        return gx


rng = np.random.default_rng(202)
x = rng.normal(size=(60, 3))
y = (x[:, :1] + x[:, 1:2] > x[:, 2:]).astype(float)
layers = [Affine(rng.normal(0, 0.6, (3, 7)), np.zeros(7)), Affine(rng.normal(0, 0.4, (7, 1)), np.zeros(1))]
for epoch in range(400):
    z1 = layers[0].forward(x)
    a1 = np.maximum(z1, 0.0)
    p = 1 / (1 + np.exp(-layers[1].forward(a1)))
    g = (p - y) / len(x)
    g = layers[1].backward(g, 0.5)
    g[z1 <= 0] = 0
    layers[0].backward(g, 0.5)
