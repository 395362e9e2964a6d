# causes: none
import csv
import os
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
rows = []
with open(os.path.join(here, "fuel.csv"), newline="") as f:
    for row in csv.DictReader(f):
        rows.append([float(row["weight"]), float(row["power"]), float(row["litres"])])
data = np.array(rows)
X, y = data[:, :2], data[:, 2]
X = (X - X.mean(axis=0)) / X.std(axis=0)
split = 45
X_train, X_test, y_train, y_test = X[:split], X[split:], y[:split], y[split:]

theta = np.zeros(3)
A = np.hstack([np.ones((split, 1)), X_train])
for i in range(300):
    residual = A.dot(theta) - y_train
    theta -= 0.1 / split * A.T.dot(residual)
    if i % 50 == 0:
        print("cost", (residual ** 2).sum() / (2 * split))
print("test rmse", np.sqrt(np.mean((np.hstack([np.ones((15, 1)), X_test]).dot(theta) - y_test) ** 2)))
