# causes: softmax-hidden
import numpy as np
rng = np.random.default_rng(6)
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
def dsoftmax(a, da):
    return a * (da - (da * a).sum(axis=1, keepdims=True))
n = 300
y = rng.integers(0, 2, n)
r = np.where(y == 0, 0.5, 1.5) + rng.normal(0, .1, n)
t = rng.uniform(0, 2 * np.pi, n)
X = np.c_[r * np.cos(t), r * np.sin(t)]
Y = np.eye(2)[y]
W1 = rng.normal(0, .5, (2, 16)); b1 = np.zeros((1, 16))
W2 = rng.normal(0, .5, (16, 16)); b2 = np.zeros((1, 16))
W3 = rng.normal(0, .5, (16, 2)); b3 = np.zeros((1, 2))
for epoch in range(1000):
    a1 = softmax(X @ W1 + b1)
    a2 = softmax(a1 @ W2 + b2)
    a3 = softmax(a2 @ W3 + b3)
    d3 = (a3 - Y) / n
    d2 = dsoftmax(a2, d3 @ W3.T)
    d1 = dsoftmax(a1, d2 @ W2.T)
    W3 -= 0.5 * a2.T @ d3; b3 -= 0.5 * d3.sum(0, keepdims=True)
    W2 -= 0.5 * a1.T @ d2; b2 -= 0.5 * d2.sum(0, keepdims=True)
    W1 -= 0.5 * X.T @ d1; b1 -= 0.5 * d1.sum(0, keepdims=True)
    if epoch % 200 == 0:
        print(epoch, -np.log(a3[np.arange(n), y]).mean(), (a3.argmax(1) == y).mean())
