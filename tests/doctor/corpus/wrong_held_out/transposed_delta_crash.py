# causes: wrong-operand|gradient-shape|elementwise-for-matmul
import numpy as np

rng = np.random.default_rng(114)
X = rng.normal(size=(3, 40))
Y = (X.sum(axis=0, keepdims=True) > 0).astype(float)
W1, b1 = rng.normal(0, 0.5, (5, 3)), np.zeros((5, 1))
W2, b2 = rng.normal(0, 0.5, (1, 5)), np.zeros((1, 1))
for i in range(100):
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = 1 / (1 + np.exp(-(np.dot(W2, A1) + b2)))
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / 40
    dZ1 = np.dot(W2, dZ2) * (1 - A1**2)
    dW1 = np.dot(dZ1, X.T) / 40
    W2 = W2 - 0.5 * dW2
    b2 = b2 - 0.5 * dZ2.mean(axis=1, keepdims=True)
    W1 = W1 - 0.5 * dW1
    b1 = b1 - 0.5 * dZ1.mean(axis=1, keepdims=True)
