# causes: bias-axis
import numpy as np
np.random.seed(0)
x = np.linspace(0, 1, 50).reshape(1, -1); y = 0.5 + 0.4 * np.sin(2 * np.pi * x)
W1 = np.random.randn(10, 1); b1 = np.random.randn(10, 1); W2 = np.random.randn(1, 10); b2 = np.random.randn(1, 1)
sig = lambda z: 1 / (1 + np.exp(-z))
for k in range(4000):
    a1 = sig(W1 @ x + b1); a2 = W2 @ a1 + b2
    e = a2 - y
    dW2 = e @ a1.T / 50; db2 = e.mean(axis=1, keepdims=True)
    d1 = (W2.T @ e) * a1 * (1 - a1)
    dW1 = d1 @ x.T / 50; db1 = d1.mean(axis=0).mean()
    W1 -= 0.5 * dW1; b1 -= 0.5 * db1; W2 -= 0.1 * dW2; b2 -= 0.1 * db2
    if k % 1000 == 0: print(np.mean(e ** 2))
