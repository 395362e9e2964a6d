# causes: aliased-buffer
"""MLP + Adam implemented from the paper."""
import numpy as np

rng = np.random.default_rng(2024)

# two spirals
n = 150
theta = np.sqrt(rng.random(n)) * 2 * np.pi
r_a = 2 * theta + np.pi
spiral = np.stack([np.cos(theta) * r_a, np.sin(theta) * r_a], 1)
X = np.concatenate([spiral, -spiral]) / 10 + rng.normal(0, 0.03, (2 * n, 2))
y = np.concatenate([np.zeros(n), np.ones(n)])[:, None]

sizes = [2, 32, 32, 1]
params = {}
for l in range(1, len(sizes)):
    params[f"W{l}"] = rng.normal(0, np.sqrt(2 / sizes[l - 1]), (sizes[l - 1], sizes[l]))
    params[f"b{l}"] = np.zeros(sizes[l])

m, v = {}, {}
for name, p in params.items():
    m[name] = v[name] = np.zeros_like(p)


def loss_and_grads(X, y):
    acts = [X]
    for l in (1, 2):
        acts.append(np.maximum(0, acts[-1] @ params[f"W{l}"] + params[f"b{l}"]))
    logit = acts[-1] @ params["W3"] + params["b3"]
    prob = 1 / (1 + np.exp(-np.clip(logit, -30, 30)))
    loss = -np.mean(y * np.log(prob) + (1 - y) * np.log(1 - prob))
    grads = {}
    delta = (prob - y) / len(X)
    for l in (3, 2, 1):
        grads[f"W{l}"] = acts[l - 1].T @ delta
        grads[f"b{l}"] = delta.sum(0)
        if l > 1:
            delta = (delta @ params[f"W{l}"].T) * (acts[l - 1] > 0)
    return loss, grads, prob


beta1, beta2, eps, lr = 0.9, 0.999, 1e-8, 0.01
for t in range(1, 1201):
    loss, grads, prob = loss_and_grads(X, y)
    for name in params:
        g = grads[name]
        m[name] *= beta1
        m[name] += (1 - beta1) * g
        v[name] *= beta2
        v[name] += (1 - beta2) * g ** 2
        m_hat = m[name] / (1 - beta1 ** t)
        v_hat = v[name] / (1 - beta2 ** t)
        params[name] -= lr * m_hat / (np.sqrt(v_hat) + eps)
    if t % 100 == 0:
        print(t, round(loss, 5), "acc", ((prob > 0.5) == y).mean())
