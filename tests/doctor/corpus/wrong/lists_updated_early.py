# causes: updated-too-early
# classic flower measurements, one flower at a time
import math
import random

import numpy as np

random.seed(7)
flowers = []
for i in range(90):
    kind = i % 3
    flowers.append(([random.gauss(kind * 1.0, 0.5), random.gauss(2 - kind, 0.6), random.gauss(0, 1)], kind))

W = np.array([[random.uniform(-.7, .7) for _ in range(3)] for _ in range(5)])
bw = np.zeros(5)
V = np.array([[random.uniform(-.7, .7) for _ in range(5)] for _ in range(3)])
bv = np.zeros(3)
rate = 1.5

for epoch in range(40):
    random.shuffle(flowers)
    total = 0.0
    for features, kind in flowers:
        x = np.array(features)
        target = np.zeros(3)
        target[kind] = 1
        h = 1 / (1 + np.exp(-(W.dot(x) + bw)))
        o = 1 / (1 + np.exp(-(V.dot(h) + bv)))
        total += ((o - target) ** 2).sum()
        do = (o - target) * o * (1 - o)
        V -= rate * np.outer(do, h)
        bv -= rate * do
        dh = V.T.dot(do) * h * (1 - h)
        W -= rate * np.outer(dh, x)
        bw -= rate * dh
    print(epoch, total / len(flowers))
