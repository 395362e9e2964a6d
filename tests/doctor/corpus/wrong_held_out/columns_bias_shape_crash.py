# causes: bias-axis|gradient-shape
import numpy as np
rng = np.random.default_rng(102)
X = rng.normal(size=(3, 50)); Y = (X[0] > 0).astype(float).reshape(1, 50)
W1 = rng.normal(size=(4, 3)); b1 = np.zeros((4, 1)); W2 = rng.normal(size=(1, 4)); b2 = np.zeros((1, 1))
for epoch in range(100):
    Z1 = W1 @ X + b1; A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2; A2 = 1 / (1 + np.exp(-Z2))
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / 50
    db2 = np.sum(dZ2, axis=1, keepdims=True) / 50
    dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
    dW1 = dZ1 @ X.T / 50
    db1 = np.sum(dZ1, axis=0) / 50
    W1 -= .5 * dW1
    b1 -= .5 * db1
    W2 -= .5 * dW2
    b2 -= .5 * db2
