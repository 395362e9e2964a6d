# causes: evaluation-wrong
import numpy as np
rng = np.random.default_rng(113)
y = rng.integers(0, 4, 120); X = rng.normal(0, .5, (120, 2)) + 2 * np.array([[1, 1], [-1, 1], [1, -1], [-1, -1]])[y]; T = np.eye(4)[y]
def softmax(z):
    z = np.exp(z - z.max(axis=1, keepdims=True)); return z / z.sum(axis=1, keepdims=True)
def accuracy(p, t):
    return np.mean(np.argmax(p, axis=0) == np.argmax(t, axis=0))
W = np.zeros((2, 4)); b = np.zeros(4)
for e in range(100):
    p = softmax(X @ W + b)
    W -= X.T @ (p - T) / 120; b -= (p - T).mean(0)
    if e % 20 == 0: print(e, accuracy(p, T))
