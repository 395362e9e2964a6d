# causes: aliased-buffer
"""A gate from noisy measurements: each row holds two inputs and the answer."""
import random

import numpy as np

random.seed(5)
rng = np.random.default_rng(5)
table = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
table = np.repeat(table, 12, axis=0)
table[:, :2] += rng.uniform(-0.15, 0.15, (len(table), 2))
random.shuffle(table)

W1, b1 = rng.normal(0, 1, (2, 6)), np.zeros(6)
W2, b2 = rng.normal(0, 1, (6, 1)), np.zeros(1)
rate, size = 0.8, 8
for epoch in range(400):
    for k in range(0, len(table), size):
        x, y = table[k : k + size, :2], table[k : k + size, 2:]
        h = np.tanh(x @ W1 + b1)
        p = 1 / (1 + np.exp(-(h @ W2 + b2)))
        d = (p - y) / len(x)
        dh = d @ W2.T * (1 - h**2)
        W2 -= rate * h.T @ d
        b2 -= rate * d.sum(axis=0)
        W1 -= rate * x.T @ dh
        b1 -= rate * dh.sum(axis=0)
    if epoch % 100 == 0:
        print(epoch, np.mean((p - y) ** 2))
