# causes: none
import numpy as np
from sklearn.datasets import load_breast_cancer

X, y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)
y = y[:, None].astype(float)
rng = np.random.default_rng(0)
order = rng.permutation(len(X))
folds = np.array_split(order, 5)
total_acc = 0
for k in range(5):
    test = folds[k]
    train = np.concatenate([f for i, f in enumerate(folds) if i != k])
    w = np.zeros((30, 1))
    b = 0.0
    for epoch in range(100):
        p = 1 / (1 + np.exp(-(X[train] @ w + b)))
        w -= 0.5 * X[train].T @ (p - y[train]) / len(train)
        b -= 0.5 * np.mean(p - y[train])
    acc = np.mean(((X[test] @ w + b) > 0) == y[test])
    total_acc += acc
    print("fold", k, "accuracy", acc)
print("mean accuracy", total_acc / 5)
