# causes: unscaled-inputs
import csv
import os
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
rows = []
with open(os.path.join(here, "houses.csv")) as f:
    for r in csv.DictReader(f):
        rows.append([float(r["area"]), float(r["rooms"]), float(r["year"]), float(r["price"])])
data = np.array(rows)
X, y = data[:, :3], data[:, 3]
w = np.zeros(3)
b = 0.0
lr = 0.01
for it in range(100):
    pred = X.dot(w) + b
    err = pred - y
    w = w - lr * X.T.dot(err) / len(y)
    b = b - lr * err.mean()
    if it % 10 == 0:
        print("iteration", it, "mse", (err ** 2).mean())
print("weights", w, b)
