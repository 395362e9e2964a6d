# causes: none
from dataclasses import dataclass, field
import numpy as np

@dataclass
class Adam:
    lr: float = 0.01
    b1: float = 0.9
    b2: float = 0.999
    t: int = 0
    m: dict = field(default_factory=dict)
    v: dict = field(default_factory=dict)

    def step(self, params, grads):
        self.t += 1
        for k, g in grads.items():
            self.m[k] = self.b1 * self.m.get(k, 0.0) + (1 - self.b1) * g
            self.v[k] = self.b2 * self.v.get(k, 0.0) + (1 - self.b2) * g * g
            mh = self.m[k] / (1 - self.b1 ** self.t)
            vh = self.v[k] / (1 - self.b2 ** self.t)
            params[k] -= self.lr * mh / (np.sqrt(vh) + 1e-8)

rng = np.random.default_rng(10)
theta = rng.random(240) * 4 * np.pi
arm = rng.integers(0, 2, 240)
X = np.c_[theta * np.cos(theta + np.pi * arm), theta * np.sin(theta + np.pi * arm)] / 8
y = arm.astype(float)[:, None]
P = {"W1": rng.normal(0, 1, (2, 48)), "b1": rng.normal(0, 1, 48), "W2": rng.normal(0, .2, (48, 48)), "b2": np.zeros(48), "W3": rng.normal(0, .2, (48, 1)), "b3": np.zeros(1)}
opt = Adam()
for epoch in range(600):
    a1 = np.tanh(X @ P["W1"] + P["b1"])
    a2 = np.tanh(a1 @ P["W2"] + P["b2"])
    p = 1 / (1 + np.exp(-(a2 @ P["W3"] + P["b3"])))
    d3 = (p - y) / len(X)
    d2 = d3 @ P["W3"].T * (1 - a2 ** 2)
    d1 = d2 @ P["W2"].T * (1 - a1 ** 2)
    opt.step(P, {"W3": a2.T @ d3, "b3": d3.sum(0), "W2": a1.T @ d2, "b2": d2.sum(0), "W1": X.T @ d1, "b1": d1.sum(0)})
    if epoch % 100 == 0:
        print(epoch, ((p > .5) == y).mean())
