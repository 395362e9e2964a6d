# causes: wrong-sign
import numpy as np
class Momentum:
    def __init__(self, lr=0.1, beta=0.9):
        self.lr, self.beta, self.v = lr, beta, {}
    def update(self, params, grads):
        for k in params:
            if k not in self.v:
                self.v[k] = np.zeros_like(params[k])
            self.v[k] = self.beta * self.v[k] - self.lr * grads[k]
            params[k] -= self.v[k]
np.random.seed(0)
x = np.random.uniform(-2, 2, (120, 1)); t = x ** 2
P = {"W1": np.random.randn(1, 12), "b1": np.zeros(12), "W2": np.random.randn(12, 1) * 0.3, "b2": np.zeros(1)}
opt = Momentum(0.02)
for it in range(300):
    h = np.tanh(x @ P["W1"] + P["b1"])
    yhat = h @ P["W2"] + P["b2"]
    d = 2 * (yhat - t) / len(x)
    g = {"W2": h.T @ d, "b2": d.sum(0)}
    dh = d @ P["W2"].T * (1 - h ** 2)
    g["W1"], g["b1"] = x.T @ dh, dh.sum(0)
    opt.update(P, g)
    if it % 50 == 0: print(it, np.mean((yhat - t) ** 2))
