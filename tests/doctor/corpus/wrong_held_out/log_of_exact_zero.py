# causes: log-zero
import numpy as np

rng = np.random.default_rng(113)
X = rng.normal(size=(60, 3)) * 6
Y = np.eye(3)[X.argmax(axis=1)]
W = rng.normal(size=(3, 3)) * 40


def softmax(a):
    a = a - a.max(axis=1, keepdims=True)
    e = np.exp(a)
    return e / e.sum(axis=1, keepdims=True)


loss = 0.0
for i in range(50):
    P = softmax(X @ W)
    loss = -(Y * np.log(P)).sum() / len(X)
    W -= 0.001 * X.T @ (P - Y) / len(X)
    print(i, loss)
