# causes: none
import numpy as np

rng = np.random.default_rng(8)
X = rng.uniform(-2, 2, (100, 1))
y = np.sin(2 * X)
params = {
    "W1": rng.normal(0, 1, (1, 16)),
    "b1": np.zeros(16),
    "W2": rng.normal(0, 0.3, (16, 1)),
    "b2": np.zeros(1),
}
m = {k: np.zeros_like(v) for k, v in params.items()}
v = {k: np.zeros_like(p) for k, p in params.items()}
for t in range(1, 1201):
    h = np.tanh(X @ params["W1"] + params["b1"])
    out = h @ params["W2"] + params["b2"]
    diff = out - y
    loss = (diff**2).mean()
    g = {}
    d = 2 * diff / len(X)
    g["W2"], g["b2"] = h.T @ d, d.sum(0)
    dh = d @ params["W2"].T * (1 - h**2)
    g["W1"], g["b1"] = X.T @ dh, dh.sum(0)
    for k in params:
        m[k] = 0.9 * m[k] + 0.1 * g[k]
        v[k] = 0.999 * v[k] + 0.001 * g[k] ** 2
        mh = m[k] / (1 - 0.9**t)
        vh = v[k] / (1 - 0.999**t)
        params[k] -= 0.01 * mh / (np.sqrt(vh) + 1e-8)
