# causes: none
import numpy as np
rng = np.random.default_rng(0)
x = rng.uniform(-3, 3, (400, 1))
y = np.sin(x) + rng.normal(0, 0.1, x.shape)
params = {"W1": rng.normal(0, 1, (1, 32)), "b1": np.zeros(32), "W2": rng.normal(0, 0.2, (32, 1)), "b2": np.zeros(1)}
m = {k: np.zeros_like(v) for k, v in params.items()}
v = {k: np.zeros_like(p) for k, p in params.items()}
beta1, beta2, eps, lr = 0.9, 0.999, 1e-8, 0.01
t = 0
for epoch in range(60):
    perm = rng.permutation(len(x))
    for s in range(0, len(x), 40):
        xb, yb = x[perm[s:s + 40]], y[perm[s:s + 40]]
        z1 = xb @ params["W1"] + params["b1"]
        h = np.maximum(0.1 * z1, z1)
        out = h @ params["W2"] + params["b2"]
        d = 2 * (out - yb) / len(xb)
        grads = {"W2": h.T @ d, "b2": d.sum(0)}
        dz = d @ params["W2"].T * np.where(z1 > 0, 1, 0.1)
        grads["W1"] = xb.T @ dz
        grads["b1"] = dz.sum(0)
        t += 1
        for k in params:
            m[k] = beta1 * m[k] + (1 - beta1) * grads[k]
            v[k] = beta2 * v[k] + (1 - beta2) * grads[k] ** 2
            mh = m[k] / (1 - beta1 ** t)
            vh = v[k] / (1 - beta2 ** t)
            params[k] -= lr * mh / (np.sqrt(vh) + eps)
    if epoch % 10 == 0:
        print(epoch, np.mean((out - yb) ** 2))
