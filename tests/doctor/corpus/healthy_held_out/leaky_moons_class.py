# causes: none
import numpy as np
from sklearn.datasets import make_moons
import matplotlib.pyplot as plt

class LeakyNet:
    alpha = 0.1

    def __init__(self, seed=4):
        rs = np.random.RandomState(seed)
        self.w1 = rs.randn(2, 10); self.b1 = np.zeros(10)
        self.w2 = rs.randn(10, 1) * 0.3; self.b2 = np.zeros(1)

    def act(self, z):
        return np.where(z > 0, z, self.alpha * z)

    def dact(self, z):
        d = np.ones_like(z)
        d[z < 0] = self.alpha
        return d

    def fit(self, X, y, lr=0.3, epochs=800):
        losses = []
        for _ in range(epochs):
            z1 = X @ self.w1 + self.b1
            a1 = self.act(z1)
            p = 1 / (1 + np.exp(-(a1 @ self.w2 + self.b2)))
            losses.append(float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))))
            dz2 = (p - y) / len(X)
            dz1 = (dz2 @ self.w2.T) * self.dact(z1)
            self.w2 -= lr * a1.T @ dz2; self.b2 -= lr * dz2.sum(0)
            self.w1 -= lr * X.T @ dz1; self.b1 -= lr * dz1.sum(0)
        return losses

X, y = make_moons(300, noise=0.2, random_state=1)
losses = LeakyNet().fit(X, y[:, None])
print(losses[0], losses[-1])
plt.plot(losses)
plt.xlabel("epoch")
plt.show()
