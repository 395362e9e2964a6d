# causes: updated-too-early
import numpy as np
np.random.seed(3)
X = np.random.randn(2, 150); Y = (X[0] * X[1] > 0).reshape(1, -1) * 1.0
W1 = np.random.randn(8, 2); b1 = np.zeros((8, 1)); W2 = np.random.randn(1, 8); b2 = np.zeros((1, 1))
alpha = 2.0
for k in range(800):
    A1 = np.tanh(W1 @ X + b1)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    dZ2 = A2 - Y
    W2 = W2 - alpha * (dZ2 @ A1.T) / 150
    b2 = b2 - alpha * np.mean(dZ2, axis=1, keepdims=True)
    dZ1 = (W2.T @ dZ2) * (1 - A1 ** 2)
    W1 = W1 - alpha * (dZ1 @ X.T) / 150
    b1 = b1 - alpha * np.mean(dZ1, axis=1, keepdims=True)
    if k % 80 == 0: print(np.mean((A2 > .5) == Y))
