# causes: derivative-twice|squared-error-rule
from sklearn.datasets import load_iris
import numpy as np

data = load_iris()
X = (data.data - data.data.mean(0)) / data.data.std(0)
Y = np.zeros((150, 3))
Y[np.arange(150), data.target] = 1

def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)

np.random.seed(0)
W = np.random.randn(4, 3) * 0.1
b = np.zeros((1, 3))
for i in range(200):
    A = softmax(X.dot(W) + b)
    cost = -np.sum(Y * np.log(A)) / 150
    dA = A - Y
    dZ = dA * A * (1 - A)
    W -= 0.1 * X.T.dot(dZ) / 150
    b -= 0.1 * dZ.sum(axis=0, keepdims=True) / 150
    if i % 20 == 0:
        print(i, cost)
print('accuracy', np.mean(np.argmax(A, 1) == data.target))
