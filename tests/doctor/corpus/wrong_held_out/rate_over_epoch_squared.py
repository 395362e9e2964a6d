# causes: rate-decays
import numpy as np
np.random.seed(0)
X = np.random.randn(100, 2)
labels = ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(float)[:, None]

W1 = np.random.randn(2, 8); b1 = np.zeros(8)
W2 = np.random.randn(8, 1); b2 = np.zeros(1)
for epoch in range(1, 1001):
    rate = 0.5 / epoch
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    yhat = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    e = yhat - labels
    dW2 = a1.T @ (e / 100)
    db2 = e.mean(0)
    da = (e / 100) @ W2.T * (1 - np.tanh(z1) ** 2)
    W1 -= rate * X.T @ da
    b1 -= rate * da.sum(0)
    W2 -= rate * dW2
    b2 -= rate * db2
    if epoch % 100 == 0: print(epoch, np.mean(e ** 2))
