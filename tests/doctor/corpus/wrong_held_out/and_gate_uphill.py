# causes: wrong-sign
import numpy as np
import random

random.seed(0)
np.random.seed(0)
# AND gate, a single neuron, sample by sample
training_data = [
    (np.array([0, 0, 1]), 0),
    (np.array([0, 1, 1]), 0),
    (np.array([1, 0, 1]), 0),
    (np.array([1, 1, 1]), 1),
]

w = np.random.rand(3)
eta = 0.2
n = 400
errors = []

for i in range(n):
    for x, expected in training_data:
        result = 1 / (1 + np.exp(-np.dot(w, x)))
        error = expected - result
        errors.append(error)
        w -= eta * error * result * (1 - result) * x

for x, expected in training_data:
    result = 1 / (1 + np.exp(-np.dot(x, w)))
    print("{}: {:.3f} -> {}".format(x[:2], result, int(result > 0.5)), "expected", expected)
