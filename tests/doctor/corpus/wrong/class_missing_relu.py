# causes: missing-derivative
import numpy as np

class Network(object):
    def __init__(self, sizes, lr):
        rs = np.random.RandomState(0)
        self.W1 = rs.randn(sizes[0], sizes[1]) * np.sqrt(2. / sizes[0])
        self.b1 = np.zeros(sizes[1])
        self.W2 = rs.randn(sizes[1], sizes[2]) * np.sqrt(2. / sizes[1])
        self.b2 = np.zeros(sizes[2])
        self.lr = lr

    def forward(self, x):
        self.x = x
        self.h = np.maximum(0, x @ self.W1 + self.b1)
        scores = self.h @ self.W2 + self.b2
        scores -= scores.max(axis=1, keepdims=True)
        e = np.exp(scores)
        self.probs = e / e.sum(axis=1, keepdims=True)
        return self.probs

    def backward(self, y):
        n = y.shape[0]
        dscores = self.probs.copy()
        dscores[range(n), y] -= 1
        dscores /= n
        dW2 = self.h.T @ dscores
        db2 = dscores.sum(axis=0)
        dh = dscores @ self.W2.T
        dW1 = self.x.T @ dh
        db1 = dh.sum(axis=0)
        self.W1 -= self.lr * dW1
        self.b1 -= self.lr * db1
        self.W2 -= self.lr * dW2
        self.b2 -= self.lr * db2

    def loss(self, y):
        return -np.log(self.probs[range(len(y)), y] + 1e-9).mean()

def spiral(n=60, k=3):
    rs = np.random.RandomState(5)
    X, y = np.zeros((n * k, 2)), np.zeros(n * k, dtype='uint8')
    for j in range(k):
        ix = range(n * j, n * (j + 1))
        r = np.linspace(0.0, 1, n)
        t = np.linspace(j * 4, (j + 1) * 4, n) + rs.randn(n) * 0.2
        X[ix] = np.c_[r * np.sin(t), r * np.cos(t)]
        y[ix] = j
    return X, y

if __name__ == '__main__':
    X, y = spiral()
    net = Network([2, 50, 3], 0.5)
    for it in range(800):
        net.forward(X)
        if it % 100 == 0:
            print("iteration %d: loss %f" % (it, net.loss(y)))
        net.backward(y)
