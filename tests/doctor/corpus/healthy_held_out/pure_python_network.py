# causes: none
import math
import random

random.seed(3)
table = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 1.0)]
hidden = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(3)]
output = [random.uniform(-1, 1) for _ in range(4)]


def squash(v):
    return 1.0 / (1.0 + math.exp(-v))


for epoch in range(600):
    for inputs, target in table:
        h = [squash(row[0] * inputs[0] + row[1] * inputs[1] + row[2]) for row in hidden]
        o = squash(sum(output[j] * h[j] for j in range(3)) + output[3])
        delta = (o - target) * o * (1 - o)
        back = [delta * output[j] * h[j] * (1 - h[j]) for j in range(3)]
        for j in range(3):
            output[j] -= 0.8 * delta * h[j]
            hidden[j][0] -= 0.8 * back[j] * inputs[0]
            hidden[j][1] -= 0.8 * back[j] * inputs[1]
            hidden[j][2] -= 0.8 * back[j]
        output[3] -= 0.8 * delta
