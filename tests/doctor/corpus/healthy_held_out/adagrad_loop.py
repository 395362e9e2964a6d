# causes: none
import numpy as np

np.random.seed(9)
X = np.random.randn(100, 3)
y = X.dot([1.0, 0.0, -2.0]) + 0.1 * np.random.randn(100)
w = np.zeros(3)
cache = np.zeros(3)
for t in range(500):
    grad = X.T.dot(X.dot(w) - y) / 100
    cache += grad**2
    w += -0.5 * grad / (np.sqrt(cache) + 1e-8)
