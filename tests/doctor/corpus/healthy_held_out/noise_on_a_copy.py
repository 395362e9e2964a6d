# causes: none
# in-place feature noise on a copy; masked loss; float32
import numpy as np
rng = np.random.default_rng(9)
X = rng.normal(size=(128, 4)).astype(np.float32); y = (X @ np.float32([1, -1, 2, .5])).astype(np.float32)[:, None]
known = (rng.random((128, 1)) < .8).astype(np.float32)
W = rng.normal(0, .1, (4, 1)).astype(np.float32); b = np.zeros(1, np.float32)
for e in range(300):
    xb = X.copy(); xb += rng.normal(0, .05, xb.shape).astype(np.float32)
    r = known * (xb @ W + b - y)
    W -= np.float32(.1) * xb.T @ r / known.sum(); b -= np.float32(.1) * r.sum(0) / known.sum()
print(np.mean(r ** 2))
