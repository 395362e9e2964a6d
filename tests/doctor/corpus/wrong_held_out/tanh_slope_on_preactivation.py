# causes: derivative-on-z
import numpy as np

def tanh(x):
    return np.tanh(x)

def dtanh(y):
    return 1 - y ** 2

class TwoHidden:
    def __init__(self, seed=0):
        np.random.seed(seed)
        self.p = {}
        for n, (i, o) in enumerate([(2, 10), (10, 10), (10, 1)], 1):
            self.p["W%d" % n] = np.random.randn(o, i) / np.sqrt(i)
            self.p["b%d" % n] = np.zeros((o, 1))

    def forward(self, X):
        c = {"A0": X}
        for n in (1, 2):
            c["Z%d" % n] = self.p["W%d" % n] @ c["A%d" % (n - 1)] + self.p["b%d" % n]
            c["A%d" % n] = tanh(c["Z%d" % n])
        c["A3"] = self.p["W3"] @ c["A2"] + self.p["b3"]
        return c

    def backward(self, c, Y):
        m = Y.shape[1]
        g = {}
        dZ = 2 * (c["A3"] - Y) / m
        for n in (3, 2, 1):
            g["W%d" % n] = dZ @ c["A%d" % (n - 1)].T
            g["b%d" % n] = dZ.sum(axis=1, keepdims=True)
            if n > 1:
                dZ = (self.p["W%d" % n].T @ dZ) * dtanh(c["Z%d" % (n - 1)])
        return g

np.random.seed(1)
X = np.random.uniform(-2, 2, (2, 150))
Y = np.sin(X[:1]) * np.cos(X[1:])
net = TwoHidden()
for it in range(800):
    c = net.forward(X)
    g = net.backward(c, Y)
    for k in net.p:
        net.p[k] -= 0.05 * g[k]
    if it % 80 == 0:
        print(it, np.mean((c["A3"] - Y) ** 2))
