# causes: not-updated
import numpy as np
class TwoLayer:
    def __init__(self, d, h, seed):
        r = np.random.RandomState(seed)
        self.hidden = {"W": r.randn(d, h), "b": np.zeros(h)}
        self.output = {"W": r.randn(h, 1), "b": np.zeros(1)}
    def __call__(self, X):
        self.X = X
        self.H = np.tanh(X @ self.hidden["W"] + self.hidden["b"])
        return 1 / (1 + np.exp(-(self.H @ self.output["W"] + self.output["b"])))
    def gradients(self, P, Y):
        d = (P - Y) / len(Y)
        dh = d @ self.output["W"].T * (1 - self.H ** 2)
        return {"hidden": {"W": self.X.T @ dh, "b": dh.sum(0)}, "output": {"W": self.H.T @ d, "b": d.sum(0)}}
    def apply(self, g, lr):
        for k in ("W", "b"):
            self.output[k] = self.output[k] - lr * g["output"][k]
            self.hidden[k] - lr * g["hidden"][k]
rng = np.random.default_rng(3)
X = rng.normal(size=(150, 2)); Y = (X[:, :1] * X[:, 1:] > 0).astype(float)
net = TwoLayer(2, 4, 5)
for e in range(800):
    P = net(X)
    net.apply(net.gradients(P, Y), 0.5)
    if e % 200 == 0: print(e, np.mean((P > .5) == Y))
