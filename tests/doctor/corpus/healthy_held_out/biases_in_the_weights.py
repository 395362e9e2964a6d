# causes: none
import numpy as np
np.random.seed(0)
X = np.random.uniform(-1, 1, (100, 2)); y = (X[:, 0] > X[:, 1] ** 2).astype(float)
X1 = np.insert(X, 0, 1, axis=1)
V = np.random.normal(0, .5, (3, 5)); w = np.random.normal(0, .5, 6)
for epoch in range(100):
    for i in np.random.permutation(100):
        h = np.append(1, np.tanh(X1[i] @ V))
        o = 1 / (1 + np.exp(-h @ w))
        d = y[i] - o
        dh = (d * w * (1 - h ** 2))[1:]
        w = w + .2 * d * h
        V = V + .2 * np.outer(X1[i], dh)
    if epoch % 10 == 0:
        out = 1 / (1 + np.exp(-np.c_[np.ones(100), np.tanh(X1 @ V)] @ w))
        print(epoch, ((out > .5) == y).mean())
