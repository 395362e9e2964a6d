# causes: log-zero, unscaled-inputs|step-too-large
import numpy as np
from sklearn.datasets import load_breast_cancer

X, y = load_breast_cancer(return_X_y=True)
y = y.astype(float)
w = np.zeros(X.shape[1])
b = 0.
alpha = 0.01
costs = []
best_cost, best = np.inf, None
for i in range(300):
    z = np.dot(X, w) + b
    a = 1 / (1 + np.exp(-z))
    cost = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    costs.append(cost)
    if cost < best_cost:
        best_cost, best = cost, (w.copy(), b)
    dw = np.dot(X.T, a - y) / len(y)
    db = np.mean(a - y)
    w -= alpha * dw
    b -= alpha * db
print(costs[:5], "...", costs[-5:])
w, b = best
print("accuracy with the best weights", np.mean((X @ w + b > 0) == y))
