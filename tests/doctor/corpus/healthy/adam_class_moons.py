# causes: none
import numpy as np
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split
class Adam:
    def __init__(self, params, lr=1e-2, b1=.9, b2=.999, eps=1e-8):
        self.params, self.lr, self.b1, self.b2, self.eps = params, lr, b1, b2, eps
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]
        self.t = 0
    def step(self, grads):
        self.t += 1
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.m[i] = self.b1 * self.m[i] + (1 - self.b1) * g
            self.v[i] = self.b2 * self.v[i] + (1 - self.b2) * g ** 2
            mh = self.m[i] / (1 - self.b1 ** self.t)
            vh = self.v[i] / (1 - self.b2 ** self.t)
            p -= self.lr * mh / (np.sqrt(vh) + self.eps)
X, y = make_moons(300, noise=.15, random_state=1)
Xtr, Xte, ytr, yte = train_test_split(X, y.reshape(-1, 1), random_state=0)
rng = np.random.default_rng(6)
W1, b1 = rng.normal(0, 1, (2, 16)), np.zeros(16)
W2, b2 = rng.normal(0, .3, (16, 1)), np.zeros(1)
opt = Adam([W1, b1, W2, b2], lr=.02)
sig = lambda z: 1 / (1 + np.exp(-z))
for epoch in range(60):
    p = rng.permutation(len(Xtr))
    for k in range(0, len(Xtr), 32):
        xb, yb = Xtr[p[k:k+32]], ytr[p[k:k+32]]
        h = np.maximum(0, xb @ W1 + b1)
        o = sig(h @ W2 + b2)
        d = (o - yb) / len(xb)
        dh = d @ W2.T * (h > 0)
        opt.step([xb.T @ dh, dh.sum(0), h.T @ d, d.sum(0)])
    if epoch % 20 == 0:
        ote = sig(np.maximum(0, Xte @ W1 + b1) @ W2 + b2)
        print(epoch, "val acc", ((ote > .5) == yte).mean())
