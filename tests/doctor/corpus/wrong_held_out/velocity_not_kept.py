# causes: not-averaged|step-too-large
import numpy as np
rng = np.random.default_rng(107)
X = rng.normal(size=(500, 20)); Y = (X @ rng.normal(size=(20, 1)) > 0) * 1.0
W1 = rng.normal(size=(20, 16)) * .2; b1 = np.zeros(16); W2 = rng.normal(size=(16, 1)) * .2; b2 = np.zeros(1)
Yf = Y + 0
for ep in range(200):
    h = np.maximum(0, X @ W1 + b1); o = h @ W2 + b2
    g = o - Yf
    dW2 = h.T @ g; db2 = g.sum(axis=0); gh = (g @ W2.T) * (h > 0)
    dW1 = X.T @ gh; db1 = gh.sum(axis=0)
    W1 -= .01 * dW1; b1 -= .01 * db1; W2 -= .01 * dW2; b2 -= .01 * db2
    if ep % 20 == 0: print(ep, (g ** 2).mean())
