# causes: none
import numpy as np
from sklearn.datasets import load_digits

X, t = load_digits(return_X_y=True)
X = (X - 8) / 8
smoothing = 0.1
Y = np.eye(10)[t] * (1 - smoothing) + smoothing / 10
rng = np.random.default_rng(0)
W1 = rng.normal(0, 0.12, (64, 40)); b1 = np.zeros(40)
W2 = rng.normal(0, 0.15, (40, 10)); b2 = np.zeros(10)
for epoch in range(15):
    perm = rng.permutation(len(X))
    for i in range(0, len(X), 32):
        sel = perm[i:i + 32]
        xb, yb = X[sel], Y[sel]
        h = np.maximum(0.01 * (xb @ W1 + b1), xb @ W1 + b1)
        logits = h @ W2 + b2
        p = np.exp(logits - logits.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        dlog = (p - yb) / len(sel)
        dh = dlog @ W2.T * np.where(h > 0, 1, 0.01)
        W2 -= 0.1 * h.T @ dlog
        b2 -= 0.1 * dlog.sum(0)
        W1 -= 0.1 * xb.T @ dh
        b1 -= 0.1 * dh.sum(0)
    scores = np.maximum(0.01 * (X @ W1 + b1), X @ W1 + b1) @ W2 + b2
    print(epoch, (scores.argmax(1) == t).mean())
