# causes: derivative-twice
import numpy as np

np.random.seed(0)
N, D, K = 90, 2, 3
r = np.linspace(0.1, 1, 30)
X = np.zeros((N, D))
y = np.zeros(N, dtype=int)
for j in range(K):
    t = np.linspace(j * 4, (j + 1) * 4, 30) + np.random.randn(30) * 0.1
    X[30 * j : 30 * (j + 1)] = np.c_[r * np.sin(t), r * np.cos(t)]
    y[30 * j : 30 * (j + 1)] = j
onehot = np.eye(K)[y]
W = 0.3 * np.random.randn(D, 20)
b = np.zeros((1, 20))
W2 = 0.3 * np.random.randn(20, K)
b2 = np.zeros((1, K))
for i in range(800):
    hidden = np.tanh(np.dot(X, W) + b)
    scores = np.dot(hidden, W2) + b2
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    probs = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(onehot * np.log(probs)) / N
    dscores = (probs - onehot) * probs * (1 - probs) / N
    dW2 = hidden.T.dot(dscores)
    db2 = dscores.sum(axis=0, keepdims=True)
    dhidden = dscores.dot(W2.T) * (1 - hidden**2)
    dW = X.T.dot(dhidden)
    db = dhidden.sum(axis=0, keepdims=True)
    W += -1.0 * dW
    b += -1.0 * db
    W2 += -1.0 * dW2
    b2 += -1.0 * db2
    if i % 100 == 0:
        print(i, loss)
