# causes: none
import numpy as np
rng = np.random.default_rng(11)
X = rng.normal(size=(128, 4)); Y = X @ rng.normal(size=(4, 1)) - .5
W = np.zeros((4, 1)); b = np.zeros(1)
for epoch in range(60):
    gW, gb = np.zeros_like(W), np.zeros_like(b)
    for s in range(0, 128, 32):
        x, y = X[s:s + 32], Y[s:s + 32]
        e = x @ W + b - y
        gW += x.T @ e; gb += e.sum(0)
    W -= .1 * gW / 128; b -= .1 * gb / 128
    if epoch % 20 == 0: print(epoch, (e ** 2).mean())
