# causes: none
import numpy as np
from sklearn.datasets import load_iris
iris = load_iris()
X = iris.data[:100][:, [0, 2]]
X = np.hstack([np.ones((100, 1)), X])
y = np.where(iris.target[:100] == 0, -1, 1)
w = np.zeros(3)
eta = 0.1
for epoch in range(50):
    errors = 0
    for xi, t in zip(X, y):
        out = np.sign(xi @ w)
        w += eta * (t - out) * xi
        errors += int(t != out)
print(errors)
