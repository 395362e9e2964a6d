# causes: step-too-large
import numpy as np
from sklearn.datasets import load_digits

data = load_digits()
rng = np.random.default_rng(1)
chosen = rng.permutation(len(data.target))[:600]
X, kind = data.data[chosen] / 16, data.target[chosen]
Y = np.eye(10)[kind]
W1, b1 = rng.normal(0, np.sqrt(2 / 64), (64, 40)), np.zeros(40)
W2, b2 = rng.normal(0, np.sqrt(2 / 40), (40, 10)), np.zeros(10)
rate = 4.0


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


for epoch in range(40):
    for rows in np.array_split(rng.permutation(len(X)), 15):
        hid = np.maximum(0, X[rows] @ W1 + b1)
        d = (softmax(hid @ W2 + b2) - Y[rows]) / len(rows)
        dh = (d @ W2.T) * (hid > 0)
        W2 -= rate * hid.T @ d
        b2 -= rate * d.sum(0)
        W1 -= rate * X[rows].T @ dh
        b1 -= rate * dh.sum(0)
print(np.mean((np.maximum(0, X @ W1 + b1) @ W2 + b2).argmax(axis=1) == kind))
