# causes: too-few-steps|step-too-small
import numpy as np

rng = np.random.default_rng(15)
N = 100
th = np.sqrt(rng.random(N)) * 360 * 2 * np.pi / 360
d1 = np.c_[-np.cos(th) * th, np.sin(th) * th] / 6
X = np.vstack([d1, -d1]) + rng.normal(0, 0.02, (2 * N, 2))
y = np.r_[np.zeros(N), np.ones(N)].reshape(-1, 1)

model = {"W1": rng.normal(0, 1.5, (2, 32)), "b1": rng.normal(0, 0.5, 32), "W2": rng.normal(0, 0.25, (32, 1)), "b2": np.zeros(1)}
for epoch in range(30):
    h = np.tanh(X @ model["W1"] + model["b1"])
    p = 1 / (1 + np.exp(-(h @ model["W2"] + model["b2"])))
    dz = (p - y) / len(y)
    dh = dz @ model["W2"].T * (1 - h ** 2)
    for k, g in {"W1": X.T @ dh, "b1": dh.sum(0), "W2": h.T @ dz, "b2": dz.sum(0)}.items():
        model[k] -= 0.5 * g
    print(epoch, ((p > 0.5) == y).mean())
