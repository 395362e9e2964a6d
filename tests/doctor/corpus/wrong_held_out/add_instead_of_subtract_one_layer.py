# causes: wrong-sign
import numpy as np
class Model:
    def __init__(self):
        r = np.random.default_rng(105)
        self.w1 = r.normal(0, .5, (4, 8)); self.b1 = np.zeros((1, 8))
        self.w2 = r.normal(0, .5, (8, 3)); self.b2 = np.zeros((1, 3))
    def train_on(self, x, t, lr):
        h = np.maximum(0, x.dot(self.w1) + self.b1)
        s = h.dot(self.w2) + self.b2
        s = np.exp(s - s.max(axis=1, keepdims=True))
        p = s / s.sum(axis=1, keepdims=True)
        loss = -np.log(p[range(len(t)), t] + 1e-9).mean()
        d = p
        d[range(len(t)), t] -= 1
        d /= len(t)
        dh = d.dot(self.w2.T); dh[h <= 0] = 0
        self.w2 -= lr * h.T.dot(d); self.b2 -= lr * d.sum(axis=0, keepdims=True)
        self.w1 += lr * x.T.dot(dh); self.b1 += lr * dh.sum(axis=0, keepdims=True)
        return loss
from sklearn.datasets import load_iris
iris = load_iris(); X = (iris.data - iris.data.mean(0)) / iris.data.std(0)
m = Model()
for e in range(300):
    l = m.train_on(X, iris.target, .3)
    if e % 50 == 0: print(e, l)
