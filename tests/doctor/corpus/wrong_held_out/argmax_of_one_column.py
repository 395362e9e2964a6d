# causes: evaluation-wrong
import numpy as np
np.random.seed(10)

# Titanic-like toy table: sex, class, age, fare -> survived
n = 500
sex = np.random.randint(0, 2, n)
pclass = np.random.randint(1, 4, n)
age = np.clip(np.random.normal(30, 13, n), 1, 80)
fare = np.exp(np.random.normal(4.5 - pclass, 0.4, n))
logit = 3.2 * sex - 1.4 * (pclass - 2) - 0.04 * (age - 30) - 0.6
survived = (np.random.rand(n) < 1 / (1 + np.exp(-1.5 * logit))).astype(int)

X = np.column_stack([sex, pclass, age, fare])
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = survived[:, None]
x_train, x_test, y_train, y_test = X[:400], X[400:], y[:400], y[400:]

class MLP:
    def __init__(self):
        self.w1 = np.random.randn(4, 10) * 0.5
        self.b1 = np.zeros(10)
        self.w2 = np.random.randn(10, 1) * 0.3
        self.b2 = np.zeros(1)

    def forward(self, x):
        self.h = np.tanh(x @ self.w1 + self.b1)
        self.o = 1 / (1 + np.exp(-(self.h @ self.w2 + self.b2)))
        return self.o

    def step(self, x, y, lr):
        o = self.forward(x)
        d = (o - y) / len(x)
        dh = (d @ self.w2.T) * (1 - self.h ** 2)
        self.w2 -= lr * (self.h.T @ d)
        self.b2 -= lr * d.sum(0)
        self.w1 -= lr * (x.T @ dh)
        self.b1 -= lr * dh.sum(0)
        return -np.mean(y * np.log(o + 1e-9) + (1 - y) * np.log(1 - o + 1e-9))

def accuracy(net, x, y):
    preds = np.argmax(net.forward(x), axis=1)
    return np.mean(preds == y.ravel())

net = MLP()
for epoch in range(60):
    p = np.random.permutation(400)
    ls = [net.step(x_train[p[i:i+40]], y_train[p[i:i+40]], 0.3) for i in range(0, 400, 40)]
    if epoch % 10 == 9:
        print("Epoch", epoch + 1, "loss %.4f" % np.mean(ls),
              "train_acc %.3f" % accuracy(net, x_train, y_train),
              "test_acc %.3f" % accuracy(net, x_test, y_test))
