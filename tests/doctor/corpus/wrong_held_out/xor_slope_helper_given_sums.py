# causes: derivative-on-z
import numpy as np

gen = np.random.default_rng(11)
squash = lambda s: 1 / (1 + np.exp(-s))


def slope(value):
    return value * (1 - value)


table = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
inputs, answers = table[:, :2], table[:, 2:]
layers = [
    {"w": gen.uniform(-1, 1, (2, 5)), "b": np.zeros((1, 5))},
    {"w": gen.uniform(-1, 1, (5, 1)), "b": np.zeros((1, 1))},
]
for turn in range(8000):
    sums, acts = [], [inputs]
    for layer in layers:
        sums.append(acts[-1] @ layer["w"] + layer["b"])
        acts.append(squash(sums[-1]))
    wrong = answers - acts[-1]
    for k in (1, 0):
        push = wrong * slope(sums[k])
        wrong = push @ layers[k]["w"].T
        layers[k]["w"] += 0.4 * acts[k].T @ push
        layers[k]["b"] += 0.4 * push.sum(axis=0, keepdims=True)
    if turn % 2000 == 0:
        print(turn, np.abs(answers - acts[-1]).mean())
