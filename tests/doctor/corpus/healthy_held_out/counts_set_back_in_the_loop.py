# causes: none
import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
X = digits.data[:600] / 16.0
y = digits.target[:600]
rng = np.random.default_rng(2)
W = np.zeros((64, 10))
b = np.zeros(10)
correct = 0
for epoch in range(8):
    correct = 0
    order = rng.permutation(600)
    for k in range(0, 600, 50):
        xb, yb = X[order[k:k + 50]], y[order[k:k + 50]]
        s = xb @ W + b
        p = np.exp(s - s.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        d = (p - np.eye(10)[yb]) / 50
        W -= 0.05 * xb.T @ d
        b -= 0.05 * d.sum(0)
        correct += np.sum(p.argmax(1) == yb)
    print(f"epoch {epoch}: accuracy {correct / 600:.3f}")
