# causes: not-shuffled
import numpy as np

rng = np.random.default_rng(9)
X0 = rng.normal(-1, 0.7, (150, 2))
X1 = rng.normal(1, 0.7, (150, 2))
X = np.concatenate([X0, X1])
y = np.concatenate([np.zeros(150), np.ones(150)])

W1 = rng.normal(0, 0.5, (2, 6)); b1 = np.zeros(6)
W2 = rng.normal(0, 0.5, 6); b2 = 0.0
lr = 0.5
for epoch in range(10):
    correct = 0
    for i in range(300):
        h = np.tanh(X[i] @ W1 + b1)
        p = 1 / (1 + np.exp(-(h @ W2 + b2)))
        correct += (p > 0.5) == y[i]
        d = p - y[i]
        dh = d * W2 * (1 - h ** 2)
        W2 -= lr * d * h
        b2 -= lr * d
        W1 -= lr * np.outer(X[i], dh)
        b1 -= lr * dh
    preds = 1 / (1 + np.exp(-(np.tanh(X @ W1 + b1) @ W2 + b2)))
    print("epoch", epoch, "running", correct / 300, "mean prediction", preds.mean(), "acc", ((preds > .5) == y).mean())
