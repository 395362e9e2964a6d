# causes: init-too-small|vanishing
import numpy as np
from sklearn.datasets import load_digits
X, y = load_digits(return_X_y=True)
X = X / 16; Y = np.eye(10)[y]
np.random.seed(0)
w1 = np.random.randn(64, 32) * 0.0001
w2 = np.random.randn(32, 32) * 0.0001
w3 = np.random.randn(32, 10) * 0.0001
lr = 0.1
for epoch in range(150):
    a1 = np.tanh(X.dot(w1)); a2 = np.tanh(a1.dot(w2))
    s = a2.dot(w3)
    p = np.exp(s - s.max(1, keepdims=True)); p /= p.sum(1, keepdims=True)
    d3 = (p - Y) / len(X)
    d2 = d3.dot(w3.T) * (1 - a2 ** 2)
    d1 = d2.dot(w2.T) * (1 - a1 ** 2)
    w3 -= lr * a2.T.dot(d3); w2 -= lr * a1.T.dot(d2); w1 -= lr * X.T.dot(d1)
    if epoch % 30 == 0: print(epoch, "acc", (p.argmax(1) == y).mean())
