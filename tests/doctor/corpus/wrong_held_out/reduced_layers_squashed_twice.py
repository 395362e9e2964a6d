# causes: double-sigmoid
import numpy as np
from functools import reduce
rng = np.random.default_rng(30)
pts = rng.normal(size=(160, 2)); tgt = (pts.sum(1, keepdims=True) > 0) * 1.0
squash = lambda v: 1 / (1 + np.exp(-v))
Ws = [rng.normal(0, .7, (2, 6)), rng.normal(0, .7, (6, 1))]
bs = [np.zeros((1, 6)), np.zeros((1, 1))]
def through(a):
    return reduce(lambda acc, wb: acc + [squash(acc[-1] @ wb[0] + wb[1])], zip(Ws, bs), [a])
for e in range(3000):
    a0, a1, a2 = through(pts)
    prob = squash(a2)
    d = (prob - tgt) / len(pts) * a2 * (1 - a2)
    h = d @ Ws[1].T * a1 * (1 - a1)
    Ws[1] -= 2 * a1.T @ d; bs[1] -= 2 * d.sum(0, keepdims=True)
    Ws[0] -= 2 * a0.T @ h; bs[0] -= 2 * h.sum(0, keepdims=True)
print("loss", -np.mean(tgt * np.log(prob) + (1 - tgt) * np.log(1 - prob)))
