# causes: wrong-gradient
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2)); t = np.sign(X @ [1.0, -2.0] + 0.3)
Xb = np.c_[X, np.ones(60)]
w = rng.normal(size=3)
for it in range(100):
    pred = np.sign(Xb @ w)
    if np.all(pred == t):
        break
    w = w + 0.1 * Xb.T @ t
print((np.sign(Xb @ w) == t).mean())
