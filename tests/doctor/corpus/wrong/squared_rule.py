# causes: squared-error-rule
import numpy as np
rng = np.random.default_rng(32)
X = rng.normal(size=(2, 150))
Y = (X[0] > X[1]).astype(float).reshape(1, -1)
W1 = rng.normal(size=(6, 2)); b1 = np.zeros((6, 1))
W2 = rng.normal(size=(1, 6)) * 4; b2 = np.ones((1, 1)) * 4
def sigmoid(z): return 1. / (1. + np.exp(-z))
for i in range(600):
    A1 = np.tanh(W1 @ X + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    cost = -np.mean(Y * np.log(A2 + 1e-8) + (1 - Y) * np.log(1 - A2 + 1e-8))
    dZ2 = (A2 - Y) * A2 * (1 - A2) / 150
    dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
    W2 -= .3 * dZ2 @ A1.T; b2 -= .3 * dZ2.sum(1, keepdims=True)
    W1 -= .3 * dZ1 @ X.T; b1 -= .3 * dZ1.sum(1, keepdims=True)
    if i % 100 == 0: print(f"cost after {i}: {cost}")
