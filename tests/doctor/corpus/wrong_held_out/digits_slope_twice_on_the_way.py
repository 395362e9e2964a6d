# causes: derivative-twice
import numpy as np
from sklearn.datasets import load_digits

X, y = load_digits(return_X_y=True)
X = X / 16.0
Y = np.eye(10)[y]
X, Y = X[:500], Y[:500]
np.random.seed(11)

sizes = [64, 32, 16, 10]
weights = [np.random.randn(a, b) / np.sqrt(a) for a, b in zip(sizes[:-1], sizes[1:])]
biases = [np.zeros((1, b)) for b in sizes[1:]]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


learning_rate = 1.0
for epoch in range(300):
    # forward
    acts = [X]
    for i in range(len(weights)):
        z = acts[-1] @ weights[i] + biases[i]
        acts.append(softmax(z) if i == len(weights) - 1 else sigmoid(z))
    loss = -np.mean(np.sum(Y * np.log(acts[-1] + 1e-12), axis=1))
    # backward
    delta = (acts[-1] - Y) / len(X)
    grads_w, grads_b = [None] * len(weights), [None] * len(biases)
    for i in reversed(range(len(weights))):
        grads_w[i] = acts[i].T @ delta
        grads_b[i] = delta.sum(axis=0, keepdims=True)
        if i > 0:
            delta = delta @ weights[i].T * acts[i] * (1 - acts[i]) * acts[i] * (1 - acts[i])
    for i in range(len(weights)):
        weights[i] -= learning_rate * grads_w[i]
        biases[i] -= learning_rate * grads_b[i]
    if epoch % 50 == 0:
        acc = np.mean(acts[-1].argmax(1) == Y.argmax(1))
        print(f"epoch {epoch} loss {loss:.4f} acc {acc:.3f}")
