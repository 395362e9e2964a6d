# causes: none
import numpy as np
from sklearn.datasets import load_wine
w = load_wine(); X = (w.data - w.data.mean(0)) / w.data.std(0); y = w.target
np.random.seed(1); p = np.random.permutation(178); X, y = X[p], y[p]
Xtr, ytr, Xte, yte = X[:130], y[:130], X[130:], y[130:]
W = np.zeros((13, 3)); b = np.zeros(3); lam = 1e-3
for i in range(300):
    s = Xtr @ W + b; s -= s.max(1, keepdims=True)
    pr = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    loss = -np.log(pr[np.arange(130), ytr]).mean() + 0.5 * lam * (W ** 2).sum()
    ds = pr.copy(); ds[np.arange(130), ytr] -= 1; ds /= 130
    W -= 0.5 * (Xtr.T @ ds + lam * W); b -= 0.5 * ds.sum(0)
    if i % 100 == 0: print(loss)
print(((Xte @ W + b).argmax(1) == yte).mean())
