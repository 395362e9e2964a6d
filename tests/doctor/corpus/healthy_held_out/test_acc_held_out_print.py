# causes: none
import numpy as np
from sklearn.datasets import load_breast_cancer
d = load_breast_cancer()
X = (d.data - d.data.mean(0)) / d.data.std(0); y = d.target
rng = np.random.RandomState(7); p = rng.permutation(len(X)); X, y = X[p], y[p]
X_train, X_test, y_train, y_test = X[:400], X[400:], y[:400], y[400:]
w = np.zeros(30); b = 0.
def predict_proba(X): return 1 / (1 + np.exp(-(X @ w + b)))
for epoch in range(300):
    q = predict_proba(X_train)
    w -= .1 * X_train.T @ (q - y_train) / 400; b -= .1 * (q - y_train).mean()
print("train accuracy", np.mean((predict_proba(X_train) > .5) == y_train))
print("test accuracy", np.mean((predict_proba(X_test) > .5) == y_test))
