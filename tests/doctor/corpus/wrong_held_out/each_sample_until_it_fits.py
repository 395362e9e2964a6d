# causes: sample-to-the-end
import numpy as np
np.random.seed(6)

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([0, 1, 1, 0])
W1 = np.random.randn(2, 3)
b1 = np.zeros(3)
W2 = np.random.randn(3)
b2 = 0.0

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

for x, t in zip(X, Y):
    for epoch in range(1000):
        h = sigmoid(x @ W1 + b1)
        o = sigmoid(h @ W2 + b2)
        do = (o - t) * o * (1 - o)
        dh = do * W2 * h * (1 - h)
        W2 -= 0.5 * do * h
        b2 -= 0.5 * do
        W1 -= 0.5 * np.outer(x, dh)
        b1 -= 0.5 * dh

for x, t in zip(X, Y):
    print(x, t, sigmoid(sigmoid(x @ W1 + b1) @ W2 + b2))
