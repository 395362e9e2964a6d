# causes: saturated|init-too-large
import numpy as np
rng = np.random.RandomState(1)
xs = rng.uniform(-2, 2, size=(100, 1))
ys = 0.5 * xs ** 2 - 1
W1 = rng.randn(1, 16)
b1 = np.ones((1, 16)) * 40
W2 = rng.randn(16, 1) * 0.1
b2 = np.zeros((1, 1))
for i in range(800):
    H = np.tanh(xs @ W1 + b1)
    out = H @ W2 + b2
    g = (out - ys) / len(xs)
    gW2 = H.T @ g; gb2 = g.sum(0, keepdims=True)
    gH = g @ W2.T * (1 - H ** 2)
    W1 -= 0.05 * xs.T @ gH; b1 -= 0.05 * gH.sum(0, keepdims=True)
    W2 -= 0.05 * gW2; b2 -= 0.05 * gb2
    if i % 100 == 0: print(i, np.mean((out - ys) ** 2))
