# causes: parameter-grew|bias-axis, rate-decays, not-averaged, all-positive-init, is-literal
import numpy as np

rng = np.random.default_rng(0)
m = 100
signs = rng.choice([-1.0, 1.0], (2, m))
X = signs * rng.uniform(0.1, 1, (2, m))
Y = (signs[:1] != signs[1:]).astype(float)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


W1, W2, W3 = np.random.rand(5, 2), np.random.rand(5, 5), np.random.rand(1, 5)
b1, b2, b3 = np.zeros((5, 1)), np.zeros((5, 1)), np.zeros((1, 1))

for epoch in range(1, 1001):
    a1 = sigmoid(W1 @ X + b1)
    a2 = sigmoid(W2 @ a1 + b2)
    p = sigmoid(W3 @ a2 + b3)
    d3 = -(Y / p - (1 - Y) / (1 - p)) * p * (1 - p)
    d2 = W3.T @ d3 * a2 * (1 - a2)
    d1 = W2.T @ d2 * a1 * (1 - a1)
    rate = 1 / epoch
    W1, b1 = W1 - rate * d1 @ X.T, b1 - rate * d1
    W2, b2 = W2 - rate * d2 @ a1.T, b2 - rate * d2
    W3, b3 = W3 - rate * d3 @ a2.T, b3 - rate * d3
    if epoch % 100 is 0:
        loss = -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p))
        print("epoch", epoch, loss)
