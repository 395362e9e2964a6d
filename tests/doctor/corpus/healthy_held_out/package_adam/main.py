# causes: none
import numpy as np
from adam import Adam
rng = np.random.default_rng(3)
X = rng.normal(size=(150, 2)); Y = (X[:, :1] * X[:, 1:] > 0).astype(float)
p = {"W": rng.normal(size=(2, 10)), "b": np.zeros(10), "V": rng.normal(size=(10, 1)), "c": np.zeros(1)}
opt = Adam(p, lr=0.05)
for e in range(300):
    h = np.tanh(X @ p["W"] + p["b"]); o = 1 / (1 + np.exp(-(h @ p["V"] + p["c"])))
    d = (o - Y) / len(X); dh = d @ p["V"].T * (1 - h * h)
    opt.step({"W": X.T @ dh, "b": dh.sum(0), "V": h.T @ d, "c": d.sum(0)})
print(np.mean((o > .5) == Y))
