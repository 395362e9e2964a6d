# causes: loop-variable-reused|wrong-gradient
import numpy as np
np.random.seed(45)
X = np.random.randn(40, 2)
y = (X[:, 0] > X[:, 1]).astype(float)
W = [np.random.randn(2, 4), np.random.randn(4, 1)]
B = [np.zeros(4), np.zeros(1)]
sig = lambda z: 1 / (1 + np.exp(-z))
for epoch in range(60):
    total = 0
    for i in range(len(X)):
        a = [X[i]]
        for i in range(2):
            a.append(sig(a[-1] @ W[i] + B[i]))
        err = a[-1] - y[i]
        total += float(err[0] ** 2)
        d2 = err
        d1 = (W[1] @ d2) * a[1] * (1 - a[1])
        W[1] = W[1] - .3 * np.outer(a[1], d2); B[1] = B[1] - .3 * d2
        W[0] = W[0] - .3 * np.outer(a[0], d1); B[0] = B[0] - .3 * d1
    if epoch % 10 == 0:
        print(epoch, total / len(X))
