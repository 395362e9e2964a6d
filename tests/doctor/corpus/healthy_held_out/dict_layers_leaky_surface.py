# causes: none
import numpy as np
rng = np.random.default_rng(11)
sizes = [2, 16, 16, 1]
params = [{"W": rng.normal(0, np.sqrt(2 / a), (a, b)), "b": np.zeros(b)} for a, b in zip(sizes, sizes[1:])]
X = rng.uniform(-2, 2, (256, 2)); y = np.sin(X[:, :1]) * np.cos(X[:, 1:])
def forward(X):
    cache, a = [], X
    for i, p in enumerate(params):
        z = a @ p["W"] + p["b"]
        cache.append((a, z))
        a = np.maximum(z, 0.01 * z) if i < len(params) - 1 else z
    return a, cache
def backward(out, y, cache):
    grads, d = [], 2 * (out - y) / len(y)
    for i in reversed(range(len(params))):
        a, z = cache[i]
        if i < len(params) - 1:
            d = d * np.where(z > 0, 1.0, 0.01)
        grads.insert(0, {"W": a.T @ d, "b": d.sum(0)})
        d = d @ params[i]["W"].T
    return grads
for it in range(1500):
    out, cache = forward(X)
    for p, g in zip(params, backward(out, y, cache)):
        for k in p: p[k] -= 0.1 * g[k]
    if it % 300 == 0: print(it, np.mean((out - y) ** 2))
