# causes: evaluation-wrong
import numpy as np
def sigmoid(z): return 1 / (1 + np.exp(-z))
rng = np.random.RandomState(43)
X = rng.randn(200, 2)
y = ((X[:, 0] + X[:, 1]) > 0).astype(float)
w = np.zeros(2); b = 0.0
def predict(X):
    return (sigmoid(sigmoid(X @ w + b)) > 0.5).astype(float)
for i in range(300):
    p = sigmoid(X @ w + b)
    w -= 0.3 * X.T @ (p - y) / 200
    b -= 0.3 * np.mean(p - y)
    if i % 50 == 0:
        print(i, "accuracy:", np.mean(predict(X) == y))
