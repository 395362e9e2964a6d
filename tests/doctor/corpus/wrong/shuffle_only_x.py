# causes: shuffled-without-labels
import numpy as np
from sklearn.datasets import load_iris
d = load_iris()
X, y = d.data[:100], d.target[:100].reshape(-1, 1)
X = (X - X.mean(0)) / X.std(0)
np.random.seed(0)
W = np.random.randn(4, 1) * .1
b = np.zeros(1)
for epoch in range(100):
    np.random.shuffle(X)
    for i in range(0, 100, 20):
        xb, yb = X[i:i+20], y[i:i+20]
        p = 1 / (1 + np.exp(-(xb @ W + b)))
        W -= .1 * xb.T @ (p - yb) / 20
        b -= .1 * (p - yb).mean(0)
    p = 1 / (1 + np.exp(-(X @ W + b)))
    if epoch % 10 == 0:
        print(epoch, -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
