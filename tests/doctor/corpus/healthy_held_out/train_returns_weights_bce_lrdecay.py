# causes: none
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))

def forward(x, w1, w2):
    h = np.tanh(np.hstack([x, np.ones((len(x), 1))]) @ w1)
    return h, sigmoid(np.hstack([h, np.ones((len(h), 1))]) @ w2)

def train(x, y, w1, w2, lr):
    h, o = forward(x, w1, w2)
    d2 = o - y
    d1 = (d2 @ w2[:-1].T) * (1 - h ** 2)
    w2 = w2 - lr * np.hstack([h, np.ones((len(h), 1))]).T @ d2 / len(x)
    w1 = w1 - lr * np.hstack([x, np.ones((len(x), 1))]).T @ d1 / len(x)
    return w1, w2, -np.mean(y * np.log(o + 1e-10) + (1 - y) * np.log(1 - o + 1e-10))

np.random.seed(10)
x = np.random.randn(250, 2)
y = (x[:, 1] > x[:, 0] ** 2 - 0.5).astype(float).reshape(-1, 1)
w1, w2 = np.random.randn(3, 8), np.random.randn(9, 1)
for epoch in range(800):
    lr = 2.0 / (1 + 0.002 * epoch)
    w1, w2, loss = train(x, y, w1, w2, lr)
    if epoch % 200 == 0:
        print(epoch, lr, loss)
_, o = forward(x, w1, w2)
print("accuracy", ((o > 0.5) == y).mean())
