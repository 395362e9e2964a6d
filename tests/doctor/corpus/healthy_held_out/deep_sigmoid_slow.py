# causes: none
import numpy as np
# four layers of sigmoid on circles. Takes its time but gets there
rng = np.random.default_rng(12)
n = 200
phi = rng.uniform(0, 2 * np.pi, n)
rad = np.where(np.arange(n) % 2 == 0, 0.5, 1.5) + rng.normal(0, 0.1, n)
X = np.c_[rad * np.cos(phi), rad * np.sin(phi)]
t = (np.arange(n) % 2).astype(float)[:, None]
shapes = [(2, 8), (8, 6), (6, 1)]
Ws = [rng.normal(0, 1.5 / np.sqrt(s[0]), s) for s in shapes]
bs = [np.zeros(s[1]) for s in shapes]
sig = lambda z: 1 / (1 + np.exp(-z))
for epoch in range(3000):
    As = [X]
    for W, b in zip(Ws, bs):
        As.append(sig(As[-1] @ W + b))
    delta = (As[-1] - t) / n
    new = []
    for k in range(len(Ws) - 1, -1, -1):
        gW, gb = As[k].T @ delta, delta.sum(0)
        if k:
            delta = (delta @ Ws[k].T) * As[k] * (1 - As[k])
        new.append((k, gW, gb))
    for k, gW, gb in new:
        Ws[k] -= 3 * gW
        bs[k] -= 3 * gb
    if epoch % 500 == 0:
        print(epoch, "acc", ((As[-1] > 0.5) == t).mean())
print("acc", ((As[-1] > 0.5) == t).mean())
