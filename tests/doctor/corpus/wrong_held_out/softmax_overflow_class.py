# causes: softmax-shift|exp-overflow
import numpy as np
rng = np.random.default_rng(111)
class Classifier:
    def __init__(self): self.W, self.b = rng.normal(size=(5, 4)) * 60, np.zeros(4)
    def softmax(self, Z):
        ez = np.exp(Z)
        return ez / ez.sum(axis=1, keepdims=True)
    def step(self, X, Y, lr):
        P = self.softmax(X @ self.W + self.b)
        G = (P - Y) / len(X)
        self.W = self.W - lr * X.T @ G; self.b = self.b - lr * G.sum(axis=0)
        return -(Y * np.log(P + 1e-12)).sum(axis=1).mean()
X = rng.normal(size=(100, 5)) * 5; Y = np.eye(4)[rng.integers(0, 4, 100)]
c = Classifier()
for k in range(50): print(k, c.step(X, Y, .1))
