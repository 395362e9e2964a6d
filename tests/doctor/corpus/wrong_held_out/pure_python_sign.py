# causes: wrong-sign
import math
import random

random.seed(7)
points = [(random.uniform(-1, 1), random.uniform(-1, 1)) for _ in range(40)]
answers = [1.0 if a - b > 0.1 else 0.0 for a, b in points]
weights = [random.uniform(-0.5, 0.5), random.uniform(-0.5, 0.5)]
bias = 0.0
rate = 0.2


def guess(point):
    return 1.0 / (1.0 + math.exp(-(weights[0] * point[0] + weights[1] * point[1] + bias)))


for sweep in range(60):
    for point, answer in zip(points, answers):
        error = guess(point) - answer
        weights[0] += rate * error * point[0]
        weights[1] += rate * error * point[1]
        bias += rate * error
