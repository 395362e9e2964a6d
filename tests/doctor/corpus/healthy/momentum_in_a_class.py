# causes: none
import numpy as np


class Dense:
    def __init__(self, n_in, n_out, rng):
        self.W = rng.standard_normal((n_in, n_out)) / np.sqrt(n_in)
        self.b = np.zeros(n_out)
        self.vW = np.zeros_like(self.W)
        self.vb = np.zeros_like(self.b)

    def __call__(self, x):
        self.x = x
        return x @ self.W + self.b

    def back(self, g):
        self.gW = self.x.T @ g
        self.gb = g.sum(axis=0)
        return g @ self.W.T

    def step(self, lr, mu):
        self.vW = mu * self.vW - lr * self.gW
        self.vb = mu * self.vb - lr * self.gb
        self.W += self.vW
        self.b += self.vb


def main():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(150, 2))
    y = (np.linalg.norm(X, axis=1) < 1.1).astype(int)
    Y = np.eye(2)[y]
    first, second = Dense(2, 12, rng), Dense(12, 2, rng)
    for epoch in range(300):
        h = np.maximum(first(X), 0)
        z = second(h)
        z = z - z.max(axis=1, keepdims=True)
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        loss = -np.mean(np.log(p[np.arange(len(y)), y]))
        g = (p - Y) / len(y)
        g = second.back(g) * (h > 0)
        first.back(g)
        for layer in (first, second):
            layer.step(0.1, 0.9)
        if epoch % 50 == 0:
            print(loss)


if __name__ == "__main__":
    main()
