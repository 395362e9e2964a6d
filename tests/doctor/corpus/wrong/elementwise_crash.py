# causes: elementwise-for-matmul|gradient-shape
import numpy as np

rng = np.random.default_rng(1)
inputs = rng.uniform(-1, 1, (30, 3))
targets = (inputs[:, :1] > inputs[:, 1:2]).astype(float)
w1 = rng.normal(0, 1, (3, 5))
w2 = rng.normal(0, 1, (5, 1))
for epoch in range(300):
    hidden = np.tanh(inputs @ w1)
    output = 1 / (1 + np.exp(-hidden @ w2))
    delta_out = output - targets
    delta_hidden = delta_out * w2 * (1 - hidden**2)
    w2 -= 0.05 * hidden.T @ delta_out
    w1 -= 0.05 * inputs.T @ delta_hidden
