# causes: dead-relu|step-too-large|step-too-small|target-out-of-range|unscaled-inputs
import numpy as np
from sklearn.datasets import load_diabetes
d = load_diabetes()
X = d.data; y = d.target.reshape(-1, 1)
np.random.seed(0)
W1 = np.random.randn(10, 16) * 0.5; b1 = np.zeros(16); W2 = np.random.randn(16, 1) * 0.5; b2 = np.zeros(1)
lr = 0.1
# relu regression on raw targets 25..346
for i in range(400):
    z = X @ W1 + b1; h = np.maximum(z, 0); out = h @ W2 + b2
    dout = 2 * (out - y) / len(y)
    dh = (dout @ W2.T) * (z > 0)
    W2 -= lr * h.T @ dout; b2 -= lr * dout.sum(0); W1 -= lr * X.T @ dh; b1 -= lr * dh.sum(0)
    if i % 100 == 0: print(i, np.mean((out - y) ** 2))
