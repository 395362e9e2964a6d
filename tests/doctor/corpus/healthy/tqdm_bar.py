# causes: none
import numpy as np
from tqdm import trange

np.random.seed(3)
X = np.random.randn(300, 2)
lab = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0).astype(int)
T = np.eye(3)[lab]
W = np.random.randn(2, 16) * .5; b = np.zeros(16)
U = np.random.randn(16, 3) * .5; c = np.zeros(3)
bar = trange(600, desc="training")
for e in bar:
    h = np.maximum(X @ W + b, 0)
    s = h @ U + c
    s = s - s.max(1, keepdims=True)
    p = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    loss = -(T * np.log(p + 1e-12)).sum(1).mean()
    bar.set_postfix(loss=loss)
    d = (p - T) / len(X)
    dh = d @ U.T * (h > 0)
    U -= .5 * h.T @ d; c -= .5 * d.sum(0)
    W -= .5 * X.T @ dh; b -= .5 * dh.sum(0)
print((p.argmax(1) == lab).mean())
