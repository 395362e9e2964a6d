# causes: integer-array
import numpy as np

X = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]])
y = np.array([1, 0, 1, 0, 1, 0])
W = np.array([1, -1, 0])
bias = 0.0
rate = 0.2

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

for epoch in range(200):
    total = 0
    for xi, target in zip(X, y):
        out = sigmoid(xi @ W + bias)
        delta = (target - out) * out * (1 - out)
        for j in range(len(W)):
            W[j] += rate * delta * xi[j]
        bias += rate * delta
        total += (target - out) ** 2
    if epoch % 20 == 0:
        print("epoch %d error %.4f" % (epoch, total))
print(W, bias)
