# causes: no-bias
import random
import numpy as np

random.seed(0)
# perceptron for the NAND gate
dataset = [([0, 0], 1), ([0, 1], 1), ([1, 0], 1), ([1, 1], 0)]
weights = np.array([0.1, -0.2])
lr = 0.2

def predict(row):
    s = 0.0
    for w, xi in zip(weights, row):
        s += w * xi
    return 1 / (1 + np.exp(-s))

for epoch in range(500):
    total = 0
    random.shuffle(dataset)
    for row, label in dataset:
        p = predict(row)
        err = label - p
        total += err ** 2
        for i in range(len(weights)):
            weights[i] += lr * err * row[i]
    if epoch % 50 == 0:
        print("epoch=%d error=%.3f" % (epoch, total))
for row, label in sorted(dataset):
    print(row, label, round(predict(row), 2))
