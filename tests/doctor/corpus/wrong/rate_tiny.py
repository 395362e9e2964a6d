# causes: step-too-small
import numpy as np

rng = np.random.default_rng(14)
X = rng.normal(size=(150, 2))
y = (X[:, 0] + 2 * X[:, 1] > 0).astype(float)
w = np.zeros(2)
b = 0.0
learning_rate = 0.00001
for i in range(1000):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    grad_w = X.T @ (p - y) / len(y)
    grad_b = np.mean(p - y)
    w -= learning_rate * grad_w
    b -= learning_rate * grad_b
    if i % 100 == 0:
        print(i, np.mean((p - y) ** 2))
