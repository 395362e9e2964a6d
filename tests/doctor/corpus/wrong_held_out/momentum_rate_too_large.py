# causes: step-too-large|exploding
import numpy as np

rng = np.random.default_rng(55)
X = rng.normal(size=(200, 6))
y = X @ np.array([1., -1, 2, 0, 0.5, -2]) + 3

class SGD:
    def __init__(self, lr, momentum):
        self.lr, self.momentum, self.v = lr, momentum, {}

    def update(self, params, grads):
        for key in params:
            v = self.v.get(key, 0)
            v = self.momentum * v - self.lr * grads[key]
            self.v[key] = v
            params[key] = params[key] + v

params = {"w": np.zeros(6), "b": np.zeros(1)}
opt = SGD(2.5, 0.9)
for epoch in range(100):
    err = X @ params["w"] + params["b"] - y
    grads = {"w": 2 * X.T @ err / 200, "b": np.array([2 * err.mean()])}
    opt.update(params, grads)
    if epoch % 10 == 0:
        print(epoch, np.mean(err ** 2))
