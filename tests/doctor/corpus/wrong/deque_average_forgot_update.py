# causes: not-updated
from collections import deque
import numpy as np
rng = np.random.default_rng(2)
X = rng.normal(size=(100, 2)); Y = (np.hypot(X[:, 0], X[:, 1]) < 1).astype(float)[:, None]
W1 = rng.normal(size=(2, 3)); b1 = rng.normal(size=3)
W2 = rng.normal(size=(3, 1)); b2 = np.zeros(1)
recent = deque(maxlen=20)
for n in range(2000):
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    yhat = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    recent.append(float(np.mean((yhat > .5) != Y)))
    dz2 = (yhat - Y) / 100
    gW2, gb2 = a1.T @ dz2, dz2.sum(0)
    dz1 = dz2 @ W2.T * (1 - a1 ** 2)
    gW1, gb1 = X.T @ dz1, dz1.sum(0)
    for W, g in ((W1, gW1), (b1, gb1)):
        W = W - 0.5 * g
    W2 -= 0.5 * gW2
    b2 -= 0.5 * gb2
    if n % 200 == 0: print(n, np.mean(recent))
