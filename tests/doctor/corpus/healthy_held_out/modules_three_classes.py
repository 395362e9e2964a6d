# causes: none
import numpy as np
from sklearn.datasets import make_blobs

class Module:
    def parameters(self):
        return []

class Linear(Module):
    def __init__(self, i, o, rng):
        self.w = {"value": rng.normal(0, 1 / np.sqrt(i), (i, o)), "grad": None}
        self.b = {"value": np.zeros(o), "grad": None}
    def forward(self, x):
        self.x = x
        return x @ self.w["value"] + self.b["value"]
    def backward(self, dy):
        self.w["grad"] = self.x.T @ dy
        self.b["grad"] = dy.sum(0)
        return dy @ self.w["value"].T
    def parameters(self):
        return [self.w, self.b]

class ReLU(Module):
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, dy):
        return dy * self.mask

class Sequential(Module):
    def __init__(self, *layers):
        self.layers = layers
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]

class CrossEntropy:
    def forward(self, logits, t):
        z = logits - logits.max(1, keepdims=True)
        self.p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        self.t = t
        return -np.log(self.p[np.arange(len(t)), t]).mean()
    def backward(self):
        d = self.p.copy()
        d[np.arange(len(self.t)), self.t] -= 1
        return d / len(self.t)

X, t = make_blobs(300, centers=3, random_state=8, cluster_std=2)
X = (X - X.mean(0)) / X.std(0)
rng = np.random.default_rng(4)
net, crit = Sequential(Linear(2, 12, rng), ReLU(), Linear(12, 3, rng)), CrossEntropy()
for epoch in range(200):
    logits = net.forward(X)
    loss = crit.forward(logits, t)
    net.backward(crit.backward())
    for p in net.parameters():
        p["value"] -= 0.3 * p["grad"]
    if epoch % 40 == 0:
        print(epoch, loss, (logits.argmax(1) == t).mean())
