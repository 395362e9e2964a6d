# causes: none
import numpy as np
rng = np.random.default_rng(5)
X = rng.normal(size=(60, 2)); y = (X[:, :1] ** 2 + X[:, 1:] ** 2 < 1.2) * 1.
P = [rng.normal(size=(2, 8)), np.zeros((1, 8)), rng.normal(0, .5, (8, 1)), np.zeros((1, 1))]
step = [np.full_like(p, .05) for p in P]; prev = [np.zeros_like(p) for p in P]
for i in range(150):
    h = np.tanh(X @ P[0] + P[1]); o = 1 / (1 + np.exp(-(h @ P[2] + P[3])))
    d = (o - y) / 60; dh = d @ P[2].T * (1 - h ** 2)
    G = [X.T @ dh, dh.sum(0, keepdims=True), h.T @ d, d.sum(0, keepdims=True)]
    for k in range(4):
        same = G[k] * prev[k]
        step[k] = np.where(same > 0, np.minimum(step[k] * 1.2, 1), np.where(same < 0, step[k] * .5, step[k]))
        P[k] = P[k] - np.sign(G[k]) * step[k]
        prev[k] = G[k]
    if i % 30 == 0: print(i, -np.mean(y * np.log(o + 1e-9) + (1 - y) * np.log(1 - o + 1e-9)))
