# causes: log-zero
import numpy as np
from sklearn.datasets import load_iris

iris = load_iris()
keep = iris.target < 2
X = iris.data[keep]
y = iris.target[keep].reshape(-1, 1)
np.random.seed(0)
w = np.random.randn(4, 1) * 0.01
b = 0.0
lr = 10.0

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def loss_fn(y, p):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

losses = []
for epoch in range(1000):
    z = X @ w + b
    p = sigmoid(z * 10)
    loss = loss_fn(y, p)
    losses.append(loss)
    dz = (p - y) * 10
    w = w - lr * X.T @ dz / len(X)
    b = b - lr * dz.mean()
    if epoch % 100 == 0:
        print(epoch, loss)
print("accuracy", np.mean((p > 0.5) == y))
