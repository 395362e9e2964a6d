# causes: all-positive-init
import numpy as np
from numpy import exp, dot, random

random.seed(4)
X = random.randn(100, 30) * 1.0 + 1.5
target = (X[:, 0] > X[:, 1]).astype(float).reshape(100, 1)

W1 = random.rand(30, 20)
b1 = random.rand(1, 20)
W2 = random.rand(20, 1)
b2 = random.rand(1, 1)

def sigmoid(x):
    return 1 / (1 + exp(-x))

lr = 0.3
for i in range(1000):
    A1 = sigmoid(dot(X, W1) + b1)
    A2 = sigmoid(dot(A1, W2) + b2)
    dA2 = (A2 - target) / 100
    dW2 = dot(A1.T, dA2)
    dA1 = dot(dA2, W2.T) * A1 * (1 - A1)
    dW1 = dot(X.T, dA1)
    W2 = W2 - lr * dW2
    b2 = b2 - lr * dA2.sum(axis=0, keepdims=True)
    W1 = W1 - lr * dW1
    b1 = b1 - lr * dA1.sum(axis=0, keepdims=True)
    if i % 100 == 0:
        print(i, np.mean((A2 > .5) == target))
