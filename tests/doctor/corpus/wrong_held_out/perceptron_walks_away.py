# causes: wrong-sign
import numpy as np
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
d = np.array([0, 0, 0, 1])
class Perceptron:
    def __init__(self):
        self.w = np.random.randn(2) * 0.5
        self.b = 0.1
    def predict(self, x):
        return np.where(np.dot(x, self.w) + self.b >= 0, 1, 0)
    def fit(self, X, d, lr=0.1, epochs=50):
        for _ in range(epochs):
            for xi, target in zip(X, d):
                err = self.predict(xi) - target
                self.w += lr * err * xi
                self.b += lr * err
p = Perceptron()
p.fit(X, d)
print(p.predict(X))
