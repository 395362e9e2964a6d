# causes: none
import numpy as np
from sklearn.datasets import make_moons
X, t = make_moons(200, noise=.1, random_state=0); t = t[:, None]
np.random.seed(0)
class Swish:
    def __call__(self, z):
        self.z, self.s = z, 1 / (1 + np.exp(-z))
        return z * self.s
    def slope(self):
        return self.s + self.z * self.s * (1 - self.s)
W1, b1, W2, b2 = np.random.randn(2, 12), np.zeros(12), np.random.randn(12, 1) * .4, np.zeros(1)
act = Swish()
for k in range(800):
    a = act(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(a @ W2 + b2)))
    d = (p - t) / 200
    da = d @ W2.T * act.slope()
    W1, b1, W2, b2 = W1 - .5 * X.T @ da, b1 - .5 * da.sum(0), W2 - .5 * a.T @ d, b2 - .5 * d.sum(0)
    if k % 100 == 0: print(k, ((p > .5) == t).mean())
