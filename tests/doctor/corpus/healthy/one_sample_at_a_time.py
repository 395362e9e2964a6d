# causes: none
import math
import random

random.seed(4)
data = [((x1, x2), 1.0 if x1 + x2 > 1 else 0.0) for x1 in (0.0, 0.5, 1.0) for x2 in (0.1, 0.6, 1.1)]
w1, w2, b = random.uniform(-1, 1), random.uniform(-1, 1), 0.0
for epoch in range(400):
    total = 0.0
    for (x1, x2), target in data:
        out = 1 / (1 + math.exp(-(w1 * x1 + w2 * x2 + b)))
        error = out - target
        total += error**2
        w1 -= 0.5 * error * x1
        w2 -= 0.5 * error * x2
        b -= 0.5 * error
    if epoch % 100 == 0:
        print(epoch, total)
