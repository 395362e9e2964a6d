# causes: derivative-twice
import numpy as np

zufall = np.random.default_rng(4)


class Schicht:
    def __init__(self, n, m):
        self.G = zufall.normal(0, 1 / np.sqrt(n), (n, m))
        self.v = np.zeros((1, m))

    def vor(self, x):
        self.ein = x
        self.aus = np.tanh(x @ self.G + self.v)
        return self.aus

    def steigung(self):
        return 1 - self.aus**2

    def rueck(self, fehler, rate):
        d = fehler * self.steigung()
        weiter = d @ self.G.T
        self.G -= rate * self.ein.T @ d / len(d)
        self.v -= rate * d.mean(axis=0, keepdims=True)
        return weiter


X = zufall.uniform(-2, 2, (120, 2))
y = np.sign(X[:, :1] * X[:, 1:]) * 0.8
netz = [Schicht(2, 10), Schicht(10, 6), Schicht(6, 1)]
for runde in range(500):
    a = X
    for s in netz:
        a = s.vor(a)
    f = a - y
    for s in netz[::-1]:
        f = s.rueck(f * s.steigung(), 0.3)
    if runde % 100 == 0:
        print(runde, np.mean((a - y) ** 2))
