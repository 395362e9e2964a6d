# causes: derivative-twice
import numpy as np
np.random.seed(101)
def relu(x): return np.maximum(x, 0)
def sigmoid(x): return 1 / (1 + np.exp(-x))
class MLP:
    def __init__(self, d, h):
        self.params = {"W1": np.random.randn(d, h) * .5, "b1": np.zeros(h), "W2": np.random.randn(h, 1) * .5, "b2": np.zeros(1)}
    def forward(self, X):
        p = self.params
        self.X = X
        self.A = sigmoid(X @ p["W1"] + p["b1"])
        return sigmoid(self.A @ p["W2"] + p["b2"])
    def backward(self, out, y):
        p, n = self.params, len(y)
        d = (out - y) * out * (1 - out) * out * (1 - out) / n
        dh = d @ p["W2"].T * self.A * (1 - self.A)
        return {"W2": self.A.T @ d, "b2": d.sum(0), "W1": self.X.T @ dh, "b1": dh.sum(0)}
X = np.random.randn(120, 2); y = (X.sum(1) > 0).astype(float)[:, None]
net = MLP(2, 4)
for it in range(400):
    out = net.forward(X)
    grads = net.backward(out, y)
    for k, g in grads.items():
        net.params[k] -= 2.0 * g
    if it % 100 == 0: print(it, ((out - y) ** 2).mean())
