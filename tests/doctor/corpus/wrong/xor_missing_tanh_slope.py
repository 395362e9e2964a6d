# causes: missing-derivative
import numpy as np

np.random.seed(3)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
T = np.array([[0], [1], [1], [0]], dtype=float)
W1 = np.random.uniform(-1, 1, (2, 6))
b1 = np.zeros((1, 6))
W2 = np.random.uniform(-1, 1, (6, 1))
b2 = np.zeros((1, 1))
eta = 0.3
for it in range(4000):
    h = np.tanh(X.dot(W1) + b1)
    out = np.tanh(h.dot(W2) + b2)
    err = out - T
    d_out = err * (1 - out**2)
    d_h = d_out.dot(W2.T)
    W2 -= eta * h.T.dot(d_out)
    b2 -= eta * d_out.sum(axis=0, keepdims=True)
    W1 -= eta * X.T.dot(d_h)
    b1 -= eta * d_h.sum(axis=0, keepdims=True)
    if it % 500 == 0:
        print(it, np.mean(err**2))
