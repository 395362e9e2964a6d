# causes: rate-decays
import numpy as np

class SGD:
    def __init__(self, params, lr, decay):
        self.params, self.lr, self.decay = params, lr, decay

    def step(self, grads):
        for p, g in zip(self.params, grads):
            p -= self.lr * g
        self.lr *= self.decay

rng = np.random.default_rng(17)
X = rng.uniform(-1, 1, (400, 2))
Y = ((X[:, 0] * X[:, 1]) > 0).astype(float)[:, np.newaxis]
W1, b1 = rng.normal(0, 1, (2, 10)), np.zeros(10)
W2, b2 = rng.normal(0, .5, (10, 1)), np.zeros(1)
optimizer = SGD([W1, b1, W2, b2], lr=0.5, decay=0.95)
for epoch in range(50):
    perm = rng.permutation(400)
    X, Y = X[perm], Y[perm]
    for lo in range(0, 400, 20):
        xb, yb = X[lo:lo + 20], Y[lo:lo + 20]
        h = np.tanh(xb @ W1 + b1)
        out = 1 / (1 + np.exp(-(h @ W2 + b2)))
        d = (out - yb) / 20
        dh = (d @ W2.T) * (1 - h * h)
        optimizer.step([xb.T @ dh, dh.sum(0), h.T @ d, d.sum(0)])
    h = np.tanh(X @ W1 + b1)
    out = 1 / (1 + np.exp(-(h @ W2 + b2)))
    print(epoch, np.mean((out - Y) ** 2))
