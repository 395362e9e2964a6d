# causes: wrong-operand|wrong-gradient|missing-derivative
import numpy as np
import layers as L
from config import RATE, EPOCHS
rng = np.random.default_rng(12)
X = rng.normal(size=(100, 4)); y = np.tanh(X @ rng.normal(size=(4, 2)))
net = [L.Dense(4, 4, rng), L.Tanh(), L.Dense(4, 4, rng), L.Tanh(), L.Dense(4, 2, rng)]
for epoch in range(EPOCHS):
    out = X
    for layer in net:
        out = layer(out)
    grad = 2 * (out - y) / len(X)
    for layer in net[::-1]:
        grad = layer.backward(grad)
        layer.update(RATE)
    if epoch % 50 == 0:
        print(np.mean((out - y) ** 2))
