# causes: bias-axis
import numpy as np
from sklearn.datasets import make_blobs

X, t = make_blobs(400, centers=5, random_state=2, cluster_std=1.5)
X = (X - X.mean(0)) / X.std(0)
Y = np.eye(5)[t]
rng = np.random.default_rng(0)
w1 = rng.normal(0, 0.5, (2, 20)); b1 = np.zeros(20)
w2 = rng.normal(0, 0.3, (20, 5)); b2 = np.zeros(5)
batch = 20
for epoch in range(30):
    idx = rng.permutation(400)
    for s in range(0, 400, batch):
        x, y = X[idx[s:s + batch]], Y[idx[s:s + batch]]
        h = np.maximum(0, x @ w1 + b1)
        z = h @ w2 + b2
        p = np.exp(z - z.max(1, keepdims=True)); p = p / p.sum(1, keepdims=True)
        dz = (p - y) / batch
        dh = dz @ w2.T
        dh[h <= 0] = 0
        w2 -= 0.1 * h.T @ dz
        b2 -= 0.1 * dz.sum(axis=0)
        w1 -= 0.1 * x.T @ dh
        b1 -= 0.1 * dh.sum(axis=1)
    h = np.maximum(0, X @ w1 + b1)
    print(epoch, (np.argmax(h @ w2 + b2, 1) == t).mean())
