# causes: none
import numpy as np
np.random.seed(3)
X = np.array([[0., 0], [0, 1], [1, 0], [1, 1]]); Y = np.array([[0.], [1], [1], [0]])
class Layer:
    def __init__(self, n, m): self.W = np.random.randn(n, m); self.b = np.random.randn(m)
    def fwd(self, x): self.x = x; self.a = np.tanh(x @ self.W + self.b); return self.a
    def bwd(self, g, lr):
        g = g * (1 - self.a ** 2)
        back = g @ self.W.T
        self.W -= lr * self.x.T @ g; self.b -= lr * g.sum(0)
        return back
net = [Layer(2, 4), Layer(4, 1)]
for e in range(2000):
    a = X
    for l in net: a = l.fwd(a)
    g = a - Y
    for l in reversed(net): g = l.bwd(g, .1)
print(a.round(2))
