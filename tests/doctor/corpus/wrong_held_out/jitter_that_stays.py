# causes: aliased-buffer
import numpy as np

rng = np.random.default_rng(33)
side = rng.integers(0, 2, 240)
turn = rng.uniform(0, 2 * np.pi, 240)
X = (1 + side)[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
y = side[:, None].astype(float)
m = {"W": rng.normal(0, 1, (2, 16)), "b": np.zeros(16), "V": rng.normal(0, 0.3, (16, 1)), "c": np.zeros(1)}


def blurred(rows):
    rows += rng.normal(0, 0.12, rows.shape)
    return rows


for epoch in range(300):
    for start in range(0, 240, 40):
        rows, want = blurred(X[start : start + 40]), y[start : start + 40]
        h = np.tanh(rows @ m["W"] + m["b"])
        p = 1 / (1 + np.exp(-(h @ m["V"] + m["c"])))
        d = (p - want) / 40
        e = d @ m["V"].T * (1 - h**2)
        m["V"] -= 0.5 * h.T @ d
        m["c"] -= 0.5 * d.sum(0)
        m["W"] -= 0.5 * rows.T @ e
        m["b"] -= 0.5 * e.sum(0)
print(np.mean((p > 0.5) == want))
