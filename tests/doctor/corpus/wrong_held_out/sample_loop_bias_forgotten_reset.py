# causes: never-reset
import numpy as np
rng = np.random.default_rng(19)
data = [(rng.normal(size=3), i % 2) for i in range(80)]
data = [(x + (1.2 if t else -1.2), t) for x, t in data]
w, b = rng.normal(size=3) * .1, 0.0
gw, gb = np.zeros(3), 0.0
for epoch in range(40):
    right = 0
    for x, t in data:
        p = 1 / (1 + np.exp(-(w @ x + b)))
        gw += (p - t) * x
        gb += p - t
        w = w - 0.5 * gw
        b = b - 0.5 * gb
        right += (p > .5) == t
    print(epoch, right / len(data))
