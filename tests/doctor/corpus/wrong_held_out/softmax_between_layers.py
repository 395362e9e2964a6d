# causes: softmax-hidden
import numpy as np
from sklearn.datasets import load_digits

def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

digits = load_digits()
X = digits.data / 16
y = np.eye(10)[digits.target]
rng = np.random.default_rng(1)
W1 = rng.normal(0, 0.1, (64, 32)); b1 = np.zeros(32)
W2 = rng.normal(0, 0.1, (32, 10)); b2 = np.zeros(10)
for epoch in range(300):
    a1 = softmax(X @ W1 + b1)
    a2 = softmax(a1 @ W2 + b2)
    d2 = (a2 - y) / len(X)
    g1 = d2 @ W2.T
    d1 = a1 * (g1 - (g1 * a1).sum(axis=1, keepdims=True))
    W2 -= 0.5 * a1.T @ d2; b2 -= 0.5 * d2.sum(0)
    W1 -= 0.5 * X.T @ d1; b1 -= 0.5 * d1.sum(0)
    if epoch % 30 == 0:
        print(epoch, (a2.argmax(1) == digits.target).mean())
