# causes: not-averaged|step-too-small|wrong-gradient
import numpy as np
rng = np.random.default_rng(4)
X = rng.normal(size=(2, 150)); Y = (X[0:1] * X[1:2] > 0) * 1.0
m = 150
W1 = rng.normal(size=(8, 2)); b1 = np.zeros((8, 1)); W2 = rng.normal(size=(1, 8)); b2 = np.zeros((1, 1))
learning_rate = 2.0
for i in range(2000):
    A1 = np.tanh(W1 @ X + b1); A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    dZ2 = (A2 - Y) / m
    dW2 = dZ2 @ A1.T / m; db2 = dZ2.sum(axis=1, keepdims=True) / m
    dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
    dW1 = dZ1 @ X.T / m; db1 = dZ1.sum(axis=1, keepdims=True) / m
    W1 -= learning_rate * dW1; b1 -= learning_rate * db1
    W2 -= learning_rate * dW2; b2 -= learning_rate * db2
    if i % 400 == 0: print(i, ((A2 > .5) == Y).mean())
