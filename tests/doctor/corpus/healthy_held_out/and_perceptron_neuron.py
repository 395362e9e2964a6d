# causes: none
import numpy as np

class Neuron:
    def __init__(self):
        np.random.seed(2)
        self.weights = np.random.rand(2)
        self.bias = 0.0

    def think(self, x):
        return 1 / (1 + np.exp(-(np.dot(self.weights, x) + self.bias)))

    def learn(self, X, T, times):
        for _ in range(times):
            for x, t in zip(X, T):
                o = self.think(x)
                delta = (t - o) * o * (1 - o)
                self.weights += 0.5 * delta * x
                self.bias += 0.5 * delta

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
T = np.array([0, 0, 0, 1])
n = Neuron()
n.learn(X, T, 3000)
for x in X:
    print(x, n.think(x))
