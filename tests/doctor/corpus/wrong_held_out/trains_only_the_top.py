# causes: not-updated
import numpy as np
rng = np.random.default_rng(13)
X = rng.uniform(-1, 1, (200, 2)); y = (X[:, :1] ** 2 + X[:, 1:] ** 2 < .5) * 1.
class Net:
    def __init__(self):
        self.l1 = rng.normal(0, 1, (2, 3)); self.c1 = np.zeros(3)
        self.l2 = rng.normal(0, 1, (3, 1)); self.c2 = np.zeros(1)
    def __call__(self, x):
        self.a = np.tanh(x @ self.l1 + self.c1)
        return 1 / (1 + np.exp(-(self.a @ self.l2 + self.c2)))
    def gradients(self, x, y, p):
        d = (p - y) / len(x); da = d @ self.l2.T * (1 - self.a ** 2)
        return dict(l1=x.T @ da, c1=da.sum(0), l2=self.a.T @ d, c2=d.sum(0))
net = Net()
for epoch in range(800):
    p = net(X)
    g = net.gradients(X, y, p)
    for name in ("l2", "c2"):
        setattr(net, name, getattr(net, name) - 1.0 * g[name])
    if epoch % 80 == 0: print(epoch, ((p > .5) == y).mean())
