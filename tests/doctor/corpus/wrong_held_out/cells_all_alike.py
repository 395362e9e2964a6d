# causes: symmetric-init
import math
import random

random.seed(3)


class Cell:
    def __init__(self, many):
        self.weights = [0.3] * many
        self.bias = 0.0

    def answer(self, values):
        self.values = values
        self.result = math.tanh(self.bias + sum(w * v for w, v in zip(self.weights, values)))
        return self.result

    def correct(self, slope, rate):
        slope *= 1 - self.result**2
        passed = [slope * w for w in self.weights]
        self.weights = [w - rate * slope * v for w, v in zip(self.weights, self.values)]
        self.bias -= rate * slope
        return passed


middle = [Cell(1) for _ in range(6)]
last = Cell(6)
samples = [(x / 10, 0.8 * math.cos(x / 4)) for x in range(-20, 21)]
for epoch in range(120):
    random.shuffle(samples)
    total = 0.0
    for x, y in samples:
        error = last.answer([cell.answer([x]) for cell in middle]) - y
        total += error**2
        for cell, part in zip(middle, last.correct(error, 0.05)):
            cell.correct(part, 0.05)
    if epoch % 30 == 0:
        print(epoch, total / len(samples))
