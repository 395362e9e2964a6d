# causes: symmetric-init
import numpy as np
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]); Y = np.array([[0], [1], [1], [0]])
class NN:
    def __init__(self, n_in, n_h, n_out):
        self.layers = [(np.zeros((n_in, n_h)), np.zeros(n_h)), (np.zeros((n_h, n_out)), np.zeros(n_out))]
    def fit(self, X, Y, epochs, lr):
        for e in range(epochs):
            (W1, b1), (W2, b2) = self.layers
            h = 1 / (1 + np.exp(-(X @ W1 + b1))); o = 1 / (1 + np.exp(-(h @ W2 + b2)))
            do = (o - Y) * o * (1 - o); dh = do @ W2.T * h * (1 - h)
            self.layers = [(W1 - lr * X.T @ dh, b1 - lr * dh.sum(0)), (W2 - lr * h.T @ do, b2 - lr * do.sum(0))]
        return o
print(NN(2, 3, 1).fit(X, Y, 1000, .5))
