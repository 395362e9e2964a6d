# causes: wrong-gradient
import numpy as np

np.random.seed(8)


def squash(v):
    return np.tanh(v)


def squash_deriv(out):
    rest = 1 - out
    return rest * 1.0


def forward(layers, batch):
    kept = [batch]
    for matrix, shift in layers:
        kept.append(squash(kept[-1] @ matrix + shift))
    return kept


angles = np.linspace(-2, 2, 40).reshape(-1, 1)
curve = 0.8 * np.sin(2 * angles)
widths = [1, 12, 1]
layers = [[np.random.randn(a, b) * 0.6, np.zeros((1, b))] for a, b in zip(widths, widths[1:])]

for step in range(1500):
    kept = forward(layers, angles)
    signal = (kept[-1] - curve) / len(angles)
    for k in range(len(layers) - 1, -1, -1):
        signal = signal * squash_deriv(kept[k + 1])
        below = signal @ layers[k][0].T
        layers[k][0] = layers[k][0] - 0.4 * kept[k].T @ signal
        layers[k][1] = layers[k][1] - 0.4 * signal.sum(axis=0, keepdims=True)
        signal = below
    if step % 300 == 0:
        print(step, np.mean((kept[-1] - curve) ** 2))
