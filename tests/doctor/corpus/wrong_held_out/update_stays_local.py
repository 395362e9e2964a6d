# causes: not-updated
import numpy as np

def relu(x): return np.maximum(0, x)
def sigmoid(x): return 1 / (1 + np.exp(-x))

def update(W1, b1, W2, b2, grads, lr):
    W1 = W1 - lr * grads[0]
    b1 = b1 - lr * grads[1]
    W2 = W2 - lr * grads[2]
    b2 = b2 - lr * grads[3]
    return W2, b2

rng = np.random.default_rng(14)
X = rng.normal(size=(160, 2))
y = (np.hypot(X[:, 0], X[:, 1]) > 1.1).astype(float).reshape(-1, 1)
W1 = rng.normal(size=(2, 4)); b1 = np.zeros(4)
W2 = rng.normal(size=(4, 1)); b2 = np.zeros(1)

for epoch in range(1000):
    h = relu(X @ W1 + b1)
    p = sigmoid(h @ W2 + b2)
    dz2 = (p - y) / len(y)
    dz1 = dz2 @ W2.T * (h > 0)
    grads = X.T @ dz1, dz1.sum(0), h.T @ dz2, dz2.sum(0)
    W2, b2 = update(W1, b1, W2, b2, grads, 0.3)
    if epoch % 100 == 0:
        print(epoch, np.mean((p > 0.5) == y))
