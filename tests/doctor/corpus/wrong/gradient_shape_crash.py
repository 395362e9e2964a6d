# causes: gradient-shape
import numpy as np
np.random.seed(52)
def train(X, y, lr=0.1):
    W1 = np.random.randn(4, 7) * .1; W2 = np.random.randn(7, 2) * .1
    for _ in range(50):
        h = np.tanh(np.dot(X, W1))
        o = np.dot(h, W2)
        d = (o - y) / len(X)
        dW2 = np.dot(h.T, d)
        dW1 = np.dot(np.dot(d, W2.T) * (1 - h ** 2), X)
        W1 -= lr * dW1
        W2 -= lr * dW2
    return W1, W2
X = np.random.randn(25, 4)
train(X, np.random.randn(25, 2))
