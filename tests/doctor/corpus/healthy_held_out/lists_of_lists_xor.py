# causes: none
import math
import random

random.seed(2)
data = [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
H = 4
w1 = [[random.uniform(-1, 1) for _ in range(2)] for _ in range(H)]
b1 = [0.0] * H
w2 = [random.uniform(-1, 1) for _ in range(H)]
b2 = 0.0
lr = 0.5

def s(x):
    return 1 / (1 + math.exp(-x))

for epoch in range(3000):
    loss = 0.0
    for x, t in data:
        h = [s(sum(w * xi for w, xi in zip(w1[j], x)) + b1[j]) for j in range(H)]
        o = s(sum(w2[j] * h[j] for j in range(H)) + b2)
        loss += (o - t) ** 2
        d = (o - t) * o * (1 - o)
        dh = [d * w2[j] * h[j] * (1 - h[j]) for j in range(H)]
        for j in range(H):
            w2[j] -= lr * d * h[j]
            for i in range(2):
                w1[j][i] -= lr * dh[j] * x[i]
            b1[j] -= lr * dh[j]
        b2 -= lr * d
    if epoch % 500 == 0:
        print(epoch, loss)
