# causes: vanishing|init-too-small
import numpy as np
rng = np.random.default_rng(2)
X = rng.normal(size=(100, 2))
y = (X[:, :1] + X[:, 1:] > 0).astype(float)
L = [2] + [6] * 7 + [1]
W = [rng.normal(0, .5, (a, b)) for a, b in zip(L[:-1], L[1:])]
B = [np.zeros((1, b)) for b in L[1:]]
def s(z): return 1 / (1 + np.exp(-z))
for epoch in range(600):
    a = [X]
    for w, b in zip(W, B):
        a.append(s(a[-1] @ w + b))
    d = (a[-1] - y) / len(X)
    for k in reversed(range(len(W))):
        gw, gb = a[k].T @ d, d.sum(0, keepdims=True)
        d = d @ W[k].T * a[k] * (1 - a[k])
        W[k] -= 0.5 * gw
        B[k] -= 0.5 * gb
    if epoch % 100 == 0:
        print(epoch, -np.mean(y * np.log(a[-1]) + (1 - y) * np.log(1 - a[-1])))
