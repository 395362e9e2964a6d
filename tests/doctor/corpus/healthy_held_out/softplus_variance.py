# causes: none
import numpy as np
rng = np.random.default_rng(8)
x = rng.uniform(-1, 1, 300); y = 2 * x + rng.normal(0, .5, 300)
a = b = 0.; logs = 0.
for i in range(800):
    r = y - a * x - b
    s2 = np.exp(2 * logs)
    nll = np.mean(r ** 2 / (2 * s2)) + logs
    ga, gb, gs = -np.mean(r * x) / s2, -np.mean(r) / s2, 1 - np.mean(r ** 2) / s2
    a -= .05 * ga; b -= .05 * gb; logs -= .05 * gs
    if i % 100 == 0: print(i, nll, a, b, np.exp(logs))
