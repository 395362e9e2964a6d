# causes: none
import numpy as np
np.random.seed(0)
# He init, relu, mask with >=, batch of 16
X = np.random.randn(320, 5); y = (np.sin(X[:, 0]) + X[:, 1] * X[:, 2] > 0).astype(float)[:, None]
W1 = np.random.randn(5, 32) * np.sqrt(2 / 5); b1 = np.zeros(32); W2 = np.random.randn(32, 1) * np.sqrt(2 / 32); b2 = np.zeros(1)
for epoch in range(80):
    idx = np.random.permutation(320)
    for k in range(0, 320, 16):
        xb, yb = X[idx[k:k+16]], y[idx[k:k+16]]
        z = xb @ W1 + b1; h = np.where(z >= 0, z, 0)
        p = 1 / (1 + np.exp(-(h @ W2 + b2)))
        d = (p - yb) / 16; dz = (d @ W2.T) * (z >= 0)
        W2 -= .3 * h.T @ d; b2 -= .3 * d.sum(0); W1 -= .3 * xb.T @ dz; b1 -= .3 * dz.sum(0)
    if epoch % 20 == 0: print(epoch, ((p > .5) == yb).mean())
