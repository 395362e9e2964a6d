# causes: shuffled-without-labels
import numpy as np

gen = np.random.default_rng(12)


class Tiny:
    def __init__(self, inputs, units):
        self.v = gen.normal(0, 0.7, (inputs, units))
        self.c = np.zeros(units)
        self.u = gen.normal(0, 0.7, units)
        self.d = 0.0

    def learn(self, sample, wanted, rate):
        act = np.tanh(sample @ self.v + self.c)
        answer = 1 / (1 + np.exp(-(act @ self.u + self.d)))
        off = answer - wanted
        back = off * self.u * (1 - act * act)
        self.u = self.u - rate * off * act
        self.d = self.d - rate * off
        self.v = self.v - rate * np.outer(sample, back)
        self.c = self.c - rate * back
        return abs(off)


points = gen.normal(size=(90, 3))
wanted = (points[:, 0] * points[:, 1] > 0).astype(float)
net = Tiny(3, 10)
for turn in range(60):
    points = points[gen.permutation(len(points))]
    total = 0.0
    for k in range(len(points)):
        total += net.learn(points[k], wanted[k], 0.1)
    if turn % 10 == 0:
        print(turn, total / len(points))
