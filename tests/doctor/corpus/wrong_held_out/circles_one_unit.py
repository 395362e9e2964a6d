# causes: too-few-units
import numpy as np
from sklearn.datasets import make_circles

X, y = make_circles(300, factor=0.3, noise=0.05, random_state=1)
y = y.reshape(-1, 1)
rng = np.random.default_rng(0)

def make_net(hidden):
    return [rng.normal(0, 1, (2, hidden)), np.zeros(hidden), rng.normal(0, 1, (hidden, 1)), np.zeros(1)]

def train(net, epochs, lr):
    W1, b1, W2, b2 = net
    for e in range(epochs):
        h = np.tanh(X @ W1 + b1)
        p = 1 / (1 + np.exp(-(h @ W2 + b2)))
        d2 = (p - y) / len(X)
        d1 = d2 @ W2.T * (1 - h ** 2)
        W2 -= lr * h.T @ d2; b2 -= lr * d2.sum(0)
        W1 -= lr * X.T @ d1; b1 -= lr * d1.sum(0)
        if e % 200 == 0:
            print(e, ((p > 0.5) == y).mean())

train(make_net(1), 2000, 1.0)
