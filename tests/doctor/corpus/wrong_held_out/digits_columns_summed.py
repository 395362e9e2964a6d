# causes: not-averaged
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
X = (digits.data / 16.0).T
labels = digits.target
m = X.shape[1]
Y = np.zeros((10, m))
Y[labels, np.arange(m)] = 1

np.random.seed(4)
W1 = np.random.randn(25, 64) * 0.1
b1 = np.zeros((25, 1))
W2 = np.random.randn(10, 25) * 0.1
b2 = np.zeros((10, 1))
alpha = 0.1

for epoch in range(60):
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2 @ A1 + b2
    E = np.exp(Z2 - Z2.max(axis=0))
    A2 = E / E.sum(axis=0)
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T
    db2 = dZ2.sum(axis=1, keepdims=True)
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    dW1 = dZ1 @ X.T
    db1 = dZ1.sum(axis=1, keepdims=True)
    W1 -= alpha * dW1
    b1 -= alpha * db1
    W2 -= alpha * dW2
    b2 -= alpha * db2
    if epoch % 10 == 0:
        print("Epoch", epoch, "Accuracy", np.mean(A2.argmax(axis=0) == labels))
