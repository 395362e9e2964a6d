# causes: none
import numpy as np
class Neuron:
    def __init__(self, n):
        self.w = np.random.default_rng(32).normal(size=n); self.b = 0.0
    def out(self, x): return 1 / (1 + np.exp(-(self.w @ x + self.b)))
    def learn(self, x, t, rate):
        o = self.out(x)
        e = t - o
        self.w = self.w + rate * e * x
        self.b = self.b + rate * e
        return e * e
data = [(np.array([0., 0.]), 0), (np.array([0., 1.]), 0), (np.array([1., 0.]), 0), (np.array([1., 1.]), 1)]
n = Neuron(2)
epoch = 0
while True:
    err = sum(n.learn(x, t, .5) for x, t in data)
    epoch += 1
    if epoch % 100 == 0: print(epoch, err)
    if err < .05 or epoch >= 2000: break
