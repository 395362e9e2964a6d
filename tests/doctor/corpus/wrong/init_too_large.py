# causes: init-too-large|saturated
import numpy as np
np.random.seed(0)
X = np.random.randn(150, 5)
y = (np.sin(X[:, 0]) + X[:, 1] > 0).astype(float).reshape(-1, 1)
W1 = np.random.randn(5, 10) * 50
b1 = np.zeros(10)
W2 = np.random.randn(10, 10) * 50
b2 = np.zeros(10)
W3 = np.random.randn(10, 1) * 0.3
b3 = np.zeros(1)
sigmoid = lambda t: 1 / (1 + np.exp(-np.clip(t, -500, 500)))
lr = 0.1
for e in range(500):
    a1 = sigmoid(X @ W1 + b1)
    a2 = sigmoid(a1 @ W2 + b2)
    a3 = sigmoid(a2 @ W3 + b3)
    d3 = (a3 - y) / len(X)
    d2 = d3 @ W3.T * a2 * (1 - a2)
    d1 = d2 @ W2.T * a1 * (1 - a1)
    W3 -= lr * a2.T @ d3; b3 -= lr * d3.sum(0)
    W2 -= lr * a1.T @ d2; b2 -= lr * d2.sum(0)
    W1 -= lr * X.T @ d1; b1 -= lr * d1.sum(0)
    if e % 100 == 0: print(e, float(-np.mean(y*np.log(a3+1e-9)+(1-y)*np.log(1-a3+1e-9))))
