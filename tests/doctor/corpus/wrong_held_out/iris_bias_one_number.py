# causes: bias-axis|gradient-shape
import numpy as np
from sklearn.datasets import load_iris

iris = load_iris()
X = iris.data
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = iris.target
N, D = X.shape
K = 3
one_hot = np.eye(K)[y]

np.random.seed(42)
h = 8
W = 0.1 * np.random.randn(D, h)
b = np.zeros((1, h))
W2 = 0.1 * np.random.randn(h, K)
b2 = np.zeros((1, K))
step_size = 0.5

for i in range(500):
    hidden_layer = np.maximum(0, np.dot(X, W) + b)
    scores = np.dot(hidden_layer, W2) + b2
    exp_scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = exp_scores / exp_scores.sum(axis=1, keepdims=True)
    loss = -np.log(probs[range(N), y]).mean()
    if i % 100 == 0:
        print("iteration %d: loss %f" % (i, loss))
    dscores = (probs - one_hot) / N
    dW2 = np.dot(hidden_layer.T, dscores)
    db2 = np.sum(dscores, axis=0, keepdims=True)
    dhidden = np.dot(dscores, W2.T)
    dhidden[hidden_layer <= 0] = 0
    dW = np.dot(X.T, dhidden)
    # bias gradient: one number for everything
    db = np.sum(dhidden)
    W += -step_size * dW
    b += -step_size * db
    W2 += -step_size * dW2
    b2 += -step_size * db2

print("training accuracy: %.2f" % np.mean(scores.argmax(axis=1) == y))
