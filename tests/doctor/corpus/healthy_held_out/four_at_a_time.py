# causes: none
import numpy as np

rng = np.random.default_rng(29)
X = rng.uniform(-1, 1, (160, 2))
y = (X[:, 0] ** 2 + X[:, 1] ** 2 < 0.55).astype(int)
W1, b1 = rng.standard_normal((2, 16)), np.zeros(16)
W2, b2 = rng.standard_normal((16, 2)) * 0.3, np.zeros(2)
for epoch in range(40):
    order = rng.permutation(160)
    losses = []
    for k in range(0, 160, 4):
        s = order[k:k + 4]
        h = np.maximum(0, X[s] @ W1 + b1)
        z = h @ W2 + b2
        z -= z.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        losses.append(-logp[np.arange(4), y[s]].mean())
        dz = np.exp(logp)
        dz[np.arange(4), y[s]] -= 1
        dz /= 4
        dh = dz @ W2.T * (h > 0)
        W2 -= 0.8 * h.T @ dz; b2 -= 0.8 * dz.sum(0)
        W1 -= 0.8 * X[s].T @ dh; b1 -= 0.8 * dh.sum(0)
    print(epoch, round(losses[-1], 3))
