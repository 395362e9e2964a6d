# causes: parameter-has-batch-shape
import numpy as np

rng = np.random.RandomState(5)
m = 80
X = rng.randn(m, 3)
y = ((X ** 2).sum(axis=1) > 3).astype(float).reshape(m, 1)
W1 = rng.randn(3, 4)
b1 = np.zeros((m, 4))
W2 = rng.randn(4, 1)
b2 = np.zeros((m, 1))

for epoch in range(1000):
    a1 = np.tanh(X @ W1 + b1)
    a2 = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    d2 = a2 - y
    d1 = d2 @ W2.T * (1 - a1 ** 2)
    W2 -= 0.5 * a1.T @ d2 / m
    b2 -= 0.5 * d2
    W1 -= 0.5 * X.T @ d1 / m
    b1 -= 0.5 * d1
    if epoch % 100 == 0:
        print(epoch, 'error', np.mean(np.abs(a2 - y)))
