# causes: symmetric-init
import numpy as np

rng = np.random.default_rng(6)
pts = rng.uniform(-1, 1, (250, 2))
inside = (np.hypot(*pts.T) < 0.65).astype(float)
net = {"A": np.zeros((2, 9)), "a": np.zeros(9), "B": np.zeros((9, 1)), "b": np.zeros(1)}
for step in range(2500):
    t = np.tanh(pts @ net["A"] + net["a"])
    p = 1 / (1 + np.exp(-(t @ net["B"] + net["b"])))[:, 0]
    d = (p - inside)[:, None] / len(pts)
    e = d @ net["B"].T * (1 - t * t)
    moves = {"A": pts.T @ e, "a": e.sum(0), "B": t.T @ d, "b": d.sum(0)}
    net = {name: net[name] - 1.5 * moves[name] for name in net}
print("right", np.mean((p > 0.5) == inside))
