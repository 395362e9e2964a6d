# causes: none
import csv
from pathlib import Path
import numpy as np

with open(Path(__file__).parent / "houses.csv", newline="") as f:
    reader = csv.reader(f)
    header = next(reader)
    table = np.array([[float(v) for v in row] for row in reader])
X = table[:, :-1]
y = table[:, -1:]
X = (X - X.mean(0)) / X.std(0)
ym, ys = y.mean(), y.std()
y = (y - ym) / ys
w = np.zeros((X.shape[1], 1)); b = 0.0
for it in range(500):
    r = X @ w + b - y
    w -= 0.1 * X.T @ r / len(X)
    b -= 0.1 * float(r.mean())
print("rmse in money", float(np.sqrt((r ** 2).mean()) * ys))
