# causes: aliased-buffer|wrong-gradient
import numpy as np
rng = np.random.RandomState(3)
X = rng.randn(60, 4)
y = (X[:, :1] * X[:, 1:2] > 0).astype(float)
W1 = rng.randn(4, 4); W2 = rng.randn(4, 4) * .5; W3 = rng.randn(4, 1)
b1 = np.zeros((1, 4)); b2 = np.zeros((1, 4)); b3 = np.zeros((1, 1))
sig = lambda z: 1 / (1 + np.exp(-z))
mu, eta = 0.9, 0.05
vW1 = vW2 = np.zeros((4, 4))
vW3 = np.zeros((4, 1)); vb1, vb2, vb3 = np.zeros((1, 4)), np.zeros((1, 4)), np.zeros((1, 1))
for t in range(1500):
    h = np.tanh(X @ W1 + b1)
    g = np.tanh(h @ W2 + b2)
    p = sig(g @ W3 + b3)
    d3 = (p - y) / len(X)
    d2 = d3 @ W3.T * (1 - g ** 2)
    d1 = d2 @ W2.T * (1 - h ** 2)
    vW1 *= mu; vW1 -= eta * X.T @ d1
    vW2 *= mu; vW2 -= eta * h.T @ d2
    vW3 *= mu; vW3 -= eta * g.T @ d3
    vb1 *= mu; vb1 -= eta * d1.sum(0)
    vb2 *= mu; vb2 -= eta * d2.sum(0)
    vb3 *= mu; vb3 -= eta * d3.sum(0)
    W1 += vW1; W2 += vW2; W3 += vW3; b1 += vb1; b2 += vb2; b3 += vb3
    if t % 300 == 0:
        print(t, -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
