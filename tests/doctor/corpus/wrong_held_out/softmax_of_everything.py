# causes: softmax-axis
import numpy as np
from sklearn import datasets

def softmax(x):
    e_x = np.exp(x - np.max(x))
    return e_x / e_x.sum()

iris = datasets.load_iris()
X = (iris.data - iris.data.mean(axis=0)) / iris.data.std(axis=0)
y = np.eye(3)[iris.target]
rng = np.random.RandomState(0)
W1 = rng.randn(4, 8) * 0.5
W2 = rng.randn(8, 3) * 0.5
b1 = np.zeros((1, 8))
b2 = np.zeros((1, 3))
lr = 0.1
for epoch in range(500):
    h = np.tanh(X.dot(W1) + b1)
    out = softmax(h.dot(W2) + b2)
    delta2 = (out - y) / X.shape[0]
    delta1 = delta2.dot(W2.T) * (1 - h ** 2)
    W2 -= lr * h.T.dot(delta2)
    b2 -= lr * delta2.sum(axis=0, keepdims=True)
    W1 -= lr * X.T.dot(delta1)
    b1 -= lr * delta1.sum(axis=0, keepdims=True)
    if epoch % 100 == 0:
        loss = -np.sum(y * np.log(out + 1e-9)) / 150
        print(epoch, loss)
