# causes: squared-error-rule
import numpy as np
rng = np.random.default_rng(33)
x = rng.normal(0, 1, (180, 3)); y = (x @ [2, -1, 1] > .3).astype(float).reshape(-1, 1)
W1, W2 = rng.normal(0, .5, (3, 5)), rng.normal(0, .5, (5, 1))
c1, c2 = np.zeros(5), np.zeros(1)
sig = lambda q: 1 / (1 + np.exp(-q))
for k in range(600):
    a = sig(x @ W1 + c1); p = sig(a @ W2 + c2)
    bce = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dp = (p - y) * p * (1 - p) / len(y)
    da = dp @ W2.T * a * (1 - a)
    W2 = W2 - 1.5 * a.T @ dp; c2 = c2 - 1.5 * dp.sum(0)
    W1 = W1 - 1.5 * x.T @ da; c1 = c1 - 1.5 * da.sum(0)
    if k % 100 == 0: print(f"{k:4d} cross entropy {bce:.4f}")
