# causes: none
import numpy as np
np.random.seed(2)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]); Y = np.array([[0], [1], [1], [0]])
W1 = np.random.uniform(-1, 1, (2, 4)); b1 = np.zeros((1, 4)); W2 = np.random.uniform(-1, 1, (4, 1)); b2 = np.zeros((1, 1))
def s(x): return 1 / (1 + np.exp(-x))
def ds(a): return a * (1 - a)
for e in range(6000):
    h = s(X @ W1 + b1); o = s(h @ W2 + b2)
    do = (o - Y) * ds(o); dh = (do @ W2.T) * ds(h)
    W2 -= .8 * h.T @ do; b2 -= .8 * do.sum(0, keepdims=True); W1 -= .8 * X.T @ dh; b1 -= .8 * dh.sum(0, keepdims=True)
    if e % 1000 == 0: print(e, np.abs(o - Y).mean())
