# causes: missing-derivative
import numpy as np

rng = np.random.default_rng(11)
X = rng.normal(size=(120, 4))
labels = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 0.5)
Y = np.eye(3)[labels]
sizes = [4, 16, 3]
weights = [rng.normal(0, np.sqrt(2 / a), (a, b)) for a, b in zip(sizes[:-1], sizes[1:])]
biases = [np.zeros(b) for b in sizes[1:]]


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


for epoch in range(400):
    hidden = np.maximum(0, X @ weights[0] + biases[0])
    probs = softmax(hidden @ weights[1] + biases[1])
    loss = -np.log(probs[np.arange(len(X)), labels]).mean()
    dscores = (probs - Y) / len(X)
    dhidden = dscores @ weights[1].T
    gw = [X.T @ dhidden, hidden.T @ dscores]
    gb = [dhidden.sum(0), dscores.sum(0)]
    for k in range(2):
        weights[k] -= 0.5 * gw[k]
        biases[k] -= 0.5 * gb[k]
    if epoch % 50 == 0:
        print(epoch, loss)
