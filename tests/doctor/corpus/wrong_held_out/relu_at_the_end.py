# causes: relu-output|target-out-of-range
import numpy as np

rng = np.random.RandomState(21)
X = rng.uniform(-1, 1, (120, 2))
y = (1.5 * X[:, :1] - 2 * X[:, 1:] + 0.3 * X[:, :1] * X[:, 1:])

def relu(v):
    return v * (v > 0)

def drelu(v):
    return (v > 0).astype(float)

params = [rng.randn(2, 16) * 0.7, np.zeros(16), rng.randn(16, 1) * 0.3, np.zeros(1) + 0.1]

def forward(X):
    W1, b1, W2, b2 = params
    z1 = X @ W1 + b1
    a1 = relu(z1)
    z2 = a1 @ W2 + b2
    return z1, a1, z2, relu(z2)

for epoch in range(600):
    z1, a1, z2, out = forward(X)
    err = out - y
    if epoch % 100 == 0:
        print("loss", np.mean(err ** 2))
    d2 = 2 * err / len(X) * drelu(z2)
    d1 = d2 @ params[2].T * drelu(z1)
    grads = [X.T @ d1, d1.sum(0), a1.T @ d2, d2.sum(0)]
    for i in range(4):
        params[i] = params[i] - 0.05 * grads[i]
