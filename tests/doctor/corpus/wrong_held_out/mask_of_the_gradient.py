# causes: wrong-operand|missing-derivative|wrong-gradient
import numpy as np
np.random.seed(7)
X = np.random.randn(200, 2); y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
Y = np.eye(2)[y]
W1 = np.random.randn(2, 10); b1 = np.zeros(10); W2 = np.random.randn(10, 2); b2 = np.zeros(2)
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True)); return e / e.sum(axis=1, keepdims=True)
for it in range(500):
    h = np.maximum(0, X @ W1 + b1)
    p = softmax(h @ W2 + b2)
    d = p - Y
    dh = d @ W2.T
    dh[dh <= 0] = 0
    W2 -= 0.01 * h.T @ d; b2 -= 0.01 * d.sum(0)
    W1 -= 0.01 * X.T @ dh; b1 -= 0.01 * dh.sum(0)
    if it % 100 == 0: print(-np.log(p[range(200), y]).mean(), (p.argmax(1) == y).mean())
