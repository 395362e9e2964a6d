# causes: sample-to-the-end
import numpy as np
rng = np.random.default_rng(47)
A = rng.normal(size=(60, 2)); A[:30] += 1.5; A[30:] -= 1.5
L = np.r_[np.ones(30), np.zeros(30)]
class Perceptron:
    def __init__(self): self.w, self.b = np.zeros(2), 0.0
    def out(self, v): return 1 / (1 + np.exp(-(self.w @ v + self.b)))
    def fit(self, v, t, epochs=500, eta=.5):
        for _ in range(epochs):
            g = self.out(v) - t
            self.w = self.w - eta * g * v
            self.b = self.b - eta * g
net = Perceptron()
for v, t in zip(A, L):
    net.fit(v, t)
print(np.mean([(net.out(v) > .5) == t for v, t in zip(A, L)]))
