# causes: symmetric-init
import numpy as np

rng = np.random.default_rng(108)
samples = rng.uniform(-1, 1, (64, 2))
goals = (samples[:, 0] * samples[:, 1] > 0).astype(float).reshape(-1, 1)
hidden_w = np.full((2, 6), 0.1)
hidden_b = np.full((1, 6), 0.1)
out_w = np.full((6, 1), 0.1)
out_b = np.full((1, 1), 0.1)


def train_step():
    global hidden_w, hidden_b, out_w, out_b
    act = np.tanh(samples @ hidden_w + hidden_b)
    pred = 1 / (1 + np.exp(-(act @ out_w + out_b)))
    delta = (pred - goals) / len(samples)
    hidden_delta = (delta @ out_w.T) * (1 - act**2)
    out_w = out_w - 0.9 * act.T @ delta
    out_b = out_b - 0.9 * delta.sum(axis=0, keepdims=True)
    hidden_w = hidden_w - 0.9 * samples.T @ hidden_delta
    hidden_b = hidden_b - 0.9 * hidden_delta.sum(axis=0, keepdims=True)


step = 0
while step < 500:
    train_step()
    step += 1
