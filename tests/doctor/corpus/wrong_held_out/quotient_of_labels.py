# causes: zero-division|log-zero
import numpy as np

np.random.seed(0)
X = np.concatenate([np.random.randn(2, 60) + 4, np.random.randn(2, 60) - 4], axis=1)
Y = np.concatenate([np.ones((1, 60)), np.zeros((1, 60))], axis=1)
m = X.shape[1]
W1 = np.random.randn(4, 2); b1 = np.zeros((4, 1))
W2 = np.random.randn(1, 4); b2 = np.zeros((1, 1))

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

for i in range(800):
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    Z2 = W2 @ A1 + b2
    A2 = sigmoid(Z2)
    dA2 = -(np.divide(Y, A2) - np.divide(1 - Y, 1 - A2))
    dZ2 = dA2 * A2 * (1 - A2)
    dW2 = dZ2 @ A1.T / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    W1 -= 2.0 * dW1; b1 -= 2.0 * db1
    W2 -= 2.0 * dW2; b2 -= 2.0 * db2
    if i % 100 == 0:
        print(i, "train acc:", np.mean((A2 > .5) == Y))
