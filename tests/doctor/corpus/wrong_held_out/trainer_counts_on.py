# causes: metric-never-reset
import numpy as np

class Trainer:
    def __init__(self, n_in, n_hid, lr, seed=0):
        rng = np.random.RandomState(seed)
        self.W1 = rng.randn(n_hid, n_in) * np.sqrt(1 / n_in)
        self.b1 = np.zeros(n_hid)
        self.w2 = rng.randn(n_hid) * np.sqrt(1 / n_hid)
        self.b2 = 0.0
        self.lr = lr
        self.running_loss = 0.0
        self.correct = 0

    def forward(self, x):
        self.h = np.tanh(self.W1 @ x + self.b1)
        return 1 / (1 + np.exp(-(self.w2 @ self.h + self.b2)))

    def step(self, x, t):
        p = self.forward(x)
        d = p - t
        dh = d * self.w2 * (1 - self.h ** 2)
        self.w2 -= self.lr * d * self.h
        self.b2 -= self.lr * d
        self.W1 -= self.lr * np.outer(dh, x)
        self.b1 -= self.lr * dh
        self.running_loss += -np.log(p + 1e-10) if t == 1 else -np.log(1 - p + 1e-10)
        self.correct += int((p > 0.5) == (t == 1))

    def run(self, X, T, epochs):
        n = len(X)
        for ep in range(1, epochs + 1):
            for i in np.random.permutation(n):
                self.step(X[i], T[i])
            if ep % 5 == 0 or ep == 1:
                print('epoch %d loss %.4f accuracy %.2f%%' % (ep, self.running_loss / n, 100 * self.correct / n))

np.random.seed(23)
X = np.random.uniform(-1, 1, (200, 2))
T = (X[:, 1] > np.sin(3 * X[:, 0]) * 0.5).astype(int)
tr = Trainer(2, 10, 0.1, seed=23)
tr.run(X, T, 30)
