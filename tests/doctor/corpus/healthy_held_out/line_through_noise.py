# causes: none
import numpy as np
# noisy regression, nothing to do about the noise
rng = np.random.default_rng(3)
x = rng.uniform(-1, 1, 150); y = 0.6 * x + rng.normal(0, 0.5, 150)
a, c = 0.0, 0.0
for step in range(500):
    pred = a * x + c
    ga = 2 * np.mean((pred - y) * x); gc = 2 * np.mean(pred - y)
    a -= 0.2 * ga; c -= 0.2 * gc
print(a, c, np.mean((pred - y) ** 2))
