# causes: shuffled-without-labels
import numpy as np
rng = np.random.default_rng(122)
X = rng.normal(size=(200, 5)); Y = (X[:, :1] + X[:, 1:2] > 0) * 1.
W1 = rng.normal(0, .5, (5, 8)); b1 = np.zeros(8); W2 = rng.normal(0, .5, (8, 1)); b2 = np.zeros(1)
for epoch in range(40):
    idx = rng.permutation(200)
    for s in range(0, 200, 25):
        xb = X[idx[s:s + 25]]
        yb = Y[s:s + 25]
        h = np.tanh(xb @ W1 + b1); p = 1 / (1 + np.exp(-(h @ W2 + b2)))
        d = (p - yb) / 25; dh = d @ W2.T * (1 - h ** 2)
        W2 -= .3 * h.T @ d; b2 -= .3 * d.sum(0); W1 -= .3 * xb.T @ dh; b1 -= .3 * dh.sum(0)
    if epoch % 10 == 0: print(epoch, -np.mean(yb * np.log(p) + (1 - yb) * np.log(1 - p)))
