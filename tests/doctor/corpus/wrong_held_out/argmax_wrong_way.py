# causes: evaluation-wrong
import numpy as np
from sklearn.datasets import load_digits

rng = np.random.default_rng(0)
X, t = load_digits(return_X_y=True)
X = X.T / 16.0
Y = np.eye(10)[t].T
n = X.shape[1]

W1 = rng.normal(0, 0.15, (20, 64)); b1 = np.zeros((20, 1))
W2 = rng.normal(0, 0.2, (10, 20)); b2 = np.zeros((10, 1))

def softmax(Z):
    e = np.exp(Z - Z.max(axis=0))
    return e / e.sum(axis=0)

def accuracy(A, Y):
    return np.mean(np.argmax(A, 1) == np.argmax(Y, 1))

for i in range(300):
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    A2 = softmax(W2 @ A1 + b2)
    dZ2 = (A2 - Y) / n
    dZ1 = W2.T @ dZ2 * (Z1 > 0)
    W2 -= 0.5 * dZ2 @ A1.T
    b2 -= 0.5 * dZ2.sum(axis=1, keepdims=True)
    W1 -= 0.5 * dZ1 @ X.T
    b1 -= 0.5 * dZ1.sum(axis=1, keepdims=True)
    if i % 50 == 0:
        print("Iteration: ", i, "Accuracy: ", accuracy(A2, Y))
