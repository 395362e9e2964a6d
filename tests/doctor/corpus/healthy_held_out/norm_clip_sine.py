# causes: none
import numpy as np
rng = np.random.default_rng(3)
x = np.linspace(0, 2 * np.pi, 128)[:, None]; y = np.sin(x)
net = {"w": [rng.normal(0, 1, (1, 32)), rng.normal(0, .18, (32, 32)), rng.normal(0, .18, (32, 1))], "b": [np.zeros(32), np.zeros(32), np.zeros(1)]}
xs = (x - x.mean()) / x.std()
def clip(gs, limit):
    total = np.sqrt(sum((g ** 2).sum() for g in gs))
    return [g * min(1, limit / (total + 1e-12)) for g in gs]
for it in range(1500):
    a = [xs]
    for k in range(3):
        z = a[-1] @ net["w"][k] + net["b"][k]
        a.append(np.tanh(z) if k < 2 else z)
    d = 2 * (a[-1] - y) / len(x)
    gw, gb = [None] * 3, [None] * 3
    for k in (2, 1, 0):
        gw[k], gb[k] = a[k].T @ d, d.sum(0)
        if k: d = d @ net["w"][k].T * (1 - a[k] ** 2)
    for k, g in enumerate(clip(gw + gb, 1.0)):
        (net["w"] if k < 3 else net["b"])[k % 3][...] -= .1 * g
    if it % 150 == 0: print(it, np.mean((a[-1] - y) ** 2))
