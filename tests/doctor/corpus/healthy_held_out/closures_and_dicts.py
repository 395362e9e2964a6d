# causes: none
import numpy as np


def network(sizes, seed):
    rng = np.random.default_rng(seed)
    theta = {}
    for k, (a, b) in enumerate(zip(sizes[:-1], sizes[1:])):
        theta[f"W{k}"] = rng.normal(0, 1 / np.sqrt(a), (a, b))
        theta[f"b{k}"] = np.zeros(b)

    def forward(x):
        states = [x]
        for k in range(len(sizes) - 1):
            z = states[-1] @ theta[f"W{k}"] + theta[f"b{k}"]
            states.append(np.tanh(z) if k < len(sizes) - 2 else z)
        return states

    def step(x, y, lr):
        states = forward(x)
        delta = 2 * (states[-1] - y) / len(x)
        for k in reversed(range(len(sizes) - 1)):
            gw, gb = states[k].T @ delta, delta.sum(axis=0)
            if k:
                delta = (delta @ theta[f"W{k}"].T) * (1 - states[k] ** 2)
            theta[f"W{k}"] = theta[f"W{k}"] - lr * gw
            theta[f"b{k}"] = theta[f"b{k}"] - lr * gb

    return step


rng = np.random.default_rng(3)
x = rng.uniform(-1, 1, (80, 2))
y = np.sin(2 * x[:, :1]) + x[:, 1:]
step = network([2, 10, 10, 1], 4)
for i in range(800):
    step(x, y, 0.1)
