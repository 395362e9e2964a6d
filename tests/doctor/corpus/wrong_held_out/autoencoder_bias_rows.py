# causes: bias-axis|gradient-shape
import numpy as np
from sklearn.datasets import load_digits

def sigmoid(a):
    return 1 / (1 + np.exp(-a))

class AutoEncoder:
    def __init__(self, n_visible, n_hidden):
        np.random.seed(0)
        lim = 1.0 / np.sqrt(n_visible)
        self.We = np.random.uniform(-lim, lim, (n_visible, n_hidden))
        self.be = np.zeros(n_hidden)
        self.Wd = np.random.uniform(-lim, lim, (n_hidden, n_visible))
        self.bd = np.zeros(n_visible)

    def train(self, X, lr=0.5, epochs=50):
        for epoch in range(epochs):
            h = sigmoid(X @ self.We + self.be)
            r = sigmoid(h @ self.Wd + self.bd)
            loss = ((r - X) ** 2).mean()
            dr = (r - X) * r * (1 - r)
            dh = dr @ self.Wd.T * h * (1 - h)
            self.Wd -= lr * h.T @ dr / len(X)
            self.bd -= lr * dr.mean(axis=1)
            self.We -= lr * X.T @ dh / len(X)
            self.be -= lr * dh.mean(axis=1)
            print("epoch %d loss %.4f" % (epoch, loss))

images = load_digits().data[:500] / 16
AutoEncoder(64, 16).train(images)
