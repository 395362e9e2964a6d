# causes: symmetric-init
import numpy as np

rng = np.random.default_rng(1)
X = rng.normal(size=(2, 90))
Y = (np.abs(X[0]) > 0.7).astype(float).reshape(1, -1)
W1, b1 = 0.5 * np.ones((3, 2)), np.zeros((3, 1))
W2, b2 = 0.5 * np.ones((1, 3)), np.zeros((1, 1))
m = 90
for i in range(800):
    A1 = np.tanh(W1.dot(X) + b1)
    A2 = 1 / (1 + np.exp(-(W2.dot(A1) + b2)))
    dZ2 = A2 - Y
    dW2 = dZ2.dot(A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = W2.T.dot(dZ2) * (1 - A1**2)
    dW1 = dZ1.dot(X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    W1, b1, W2, b2 = W1 - dW1, b1 - db1, W2 - dW2, b2 - db2
