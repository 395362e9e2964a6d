# causes: elementwise-for-matmul|gradient-shape
import numpy as np
np.random.seed(121)
X = np.random.randn(30, 3); Y = np.random.randn(30, 2)
W1 = np.random.randn(3, 5); W2 = np.random.randn(5, 2)
for i in range(50):
    H = np.tanh(X.dot(W1)); O = H.dot(W2)
    E = (O - Y) / 30
    gW2 = H.T.dot(E)
    gH = E * W2.T * (1 - H ** 2)
    gW1 = X.T.dot(gH)
    W1 -= .1 * gW1; W2 -= .1 * gW2
