# causes: too-few-units
import numpy as np
np.random.seed(0)
inputs = np.array([[0,0],[0,1],[1,0],[1,1]])
targets = np.array([0,1,1,0])
class Perceptron:
    def __init__(self, n):
        self.weights = np.random.randn(n)
        self.bias = 0.0
    def predict(self, x):
        return 1/(1+np.exp(-(np.dot(self.weights, x) + self.bias)))
    def train(self, X, y, epochs=1000, lr=0.1):
        for e in range(epochs):
            for xi, ti in zip(X, y):
                p = self.predict(xi)
                error = ti - p
                self.weights += lr * error * xi
                self.bias += lr * error
p = Perceptron(2)
p.train(inputs, targets)
for xi in inputs: print(xi, p.predict(xi))
