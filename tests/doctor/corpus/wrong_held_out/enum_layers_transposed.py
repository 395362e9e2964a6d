# causes: wrong-sign
import numpy as np
from enum import Enum
class Act(Enum):
    TANH = 1
    SIGMOID = 2
def activate(z, kind):
    return np.tanh(z) if kind is Act.TANH else 1 / (1 + np.exp(-z))
def slope(a, kind):
    return 1 - a * a if kind is Act.TANH else a * (1 - a)
rng = np.random.default_rng(40)
spec = [(2, 7, Act.TANH), (7, 5, Act.TANH), (5, 1, Act.SIGMOID)]
weights = [rng.normal(0, 1 / np.sqrt(i), (o, i)) for i, o, _ in spec]
biases = [np.zeros((o, 1)) for _, o, _ in spec]
X = rng.normal(size=(2, 150)); Y = ((X[0] ** 2 + X[1]) > 0.7).astype(float)[None, :]
for it in range(400):
    acts = [X]
    for W, b, (_, _, kind) in zip(weights, biases, spec):
        acts.append(activate(W @ acts[-1] + b, kind))
    delta = (Y - acts[-1]) / X.shape[1]
    for l in (2, 1, 0):
        gW, gb = delta @ acts[l].T, delta.sum(axis=1, keepdims=True)
        if l:
            delta = weights[l].T @ delta * slope(acts[l], spec[l - 1][2])
        weights[l] -= 0.5 * gW
        biases[l] -= 0.5 * gb
    if it % 50 == 0:
        print(it, np.mean((acts[-1] - Y) ** 2))
