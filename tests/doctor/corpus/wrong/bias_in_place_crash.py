# causes: bias-axis|gradient-shape
import numpy as np

np.random.seed(7)
X = np.random.rand(20, 2)
y = (X.sum(axis=1) > 1).astype(float)[:, None]
W1 = np.random.randn(2, 4)
b1 = np.zeros(4)
W2 = np.random.randn(4, 1)
b2 = np.zeros(1)
for epoch in range(200):
    h = 1 / (1 + np.exp(-(X @ W1 + b1)))
    o = 1 / (1 + np.exp(-(h @ W2 + b2)))
    do = (o - y) * o * (1 - o)
    dh = do @ W2.T * h * (1 - h)
    W2 -= 0.5 * h.T @ do
    b2 -= 0.5 * do
    W1 -= 0.5 * X.T @ dh
    b1 -= 0.5 * dh
