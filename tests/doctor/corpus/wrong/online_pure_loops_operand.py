# causes: wrong-operand
import random
import math
import numpy as np

def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))

random.seed(7)
data = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
rng = np.random.RandomState(11)
w_hidden = rng.uniform(-1, 1, (3, 2))
b_hidden = rng.uniform(-1, 1, 3)
w_out = rng.uniform(-1, 1, 3)
b_out = 0.0
eta = 0.5
for epoch in range(800):
    total = 0
    for inputs, target in data:
        x = np.array(inputs, dtype=float)
        hidden = sigmoid(np.dot(w_hidden, x) + b_hidden)
        out = sigmoid(np.dot(w_out, hidden) + b_out)
        error = target - out
        total += error ** 2
        delta_out = error * out * (1 - out)
        delta_hidden = delta_out * w_out * out * (1 - out)
        w_out = w_out + eta * delta_out * hidden
        b_out = b_out + eta * delta_out
        w_hidden = w_hidden + eta * np.outer(delta_hidden, x)
        b_hidden = b_hidden + eta * delta_hidden
    if epoch % 200 == 0:
        print(epoch, total / 4)
