# causes: none
import numpy as np
rng = np.random.RandomState(7)
n_neg, n_pos = 380, 20
X = np.r_[rng.randn(n_neg, 3), rng.randn(n_pos, 3) + 1.5]
y = np.r_[np.zeros(n_neg), np.ones(n_pos)]

def logistic(z):
    return 1 / (1 + np.exp(-z))

def fit(X, y, lr=0.5, steps=800):
    w, b = np.zeros(X.shape[1]), 0.0
    for s in range(steps):
        p = logistic(X @ w + b)
        err = p - y
        w -= lr * (X.T @ err) / len(y)
        b -= lr * err.mean()
    return w, b

w, b = fit(X, y)
p = logistic(X @ w + b)
print("loss", -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
print("accuracy", np.mean((p > 0.5) == y), "recall", np.mean(p[y == 1] > 0.5))
