# causes: not-updated
import numpy as np
np.random.seed(106)
X = np.random.randn(200, 2); y = (X[:, 0] * X[:, 1] > 0).astype(float).reshape(-1, 1)
W1 = np.zeros((2, 8)) + np.random.randn(2, 8) * .1; b1 = np.zeros((1, 8)); W2 = np.random.randn(8, 1) * .1; b2 = np.zeros((1, 1))
lr = .5
def sgd(w, dw):
    w = w - lr * dw
for i in range(600):
    H = np.tanh(X @ W1 + b1); P = 1 / (1 + np.exp(-(H @ W2 + b2)))
    d2 = (P - y) / 200; d1 = d2 @ W2.T * (1 - H ** 2)
    dW1, db1, dW2, db2 = X.T @ d1, d1.sum(0, keepdims=True), H.T @ d2, d2.sum(0, keepdims=True)
    W2 -= lr * dW2; b2 -= lr * db2
    sgd(W1, dW1); sgd(b1, db1)
    if i % 100 == 0: print(i, ((P > .5) == y).mean())
