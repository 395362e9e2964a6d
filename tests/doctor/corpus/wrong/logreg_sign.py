# causes: wrong-sign
import numpy as np
from sklearn.datasets import make_blobs

X, y = make_blobs(n_samples=120, centers=2, random_state=4, cluster_std=1.5)
X = (X - X.mean(axis=0)) / X.std(axis=0)

def sigmoid(z): return 1 / (1 + np.exp(-z))

theta = np.zeros(X.shape[1])
intercept = 0.0
alpha = 0.1
costs = []
for step in range(500):
    h = sigmoid(np.dot(X, theta) + intercept)
    cost = -np.mean(y * np.log(h + 1e-12) + (1 - y) * np.log(1 - h + 1e-12))
    costs.append(cost)
    gradient = np.dot(X.T, (y - h)) / y.size
    theta -= alpha * gradient
    intercept -= alpha * np.mean(y - h)
print(costs[0], costs[-1])
