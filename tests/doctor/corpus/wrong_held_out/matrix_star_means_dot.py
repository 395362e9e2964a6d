# causes: gradient-shape|elementwise-for-matmul
import numpy as np

np.random.seed(4)
X = np.matrix([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.matrix([[0], [1], [1], [0]])
W0 = np.matrix(np.random.uniform(-1, 1, (3, 4)))
W1 = np.matrix(np.random.uniform(-1, 1, (4, 1)))

def sigma(x):
    return 1 / (1 + np.exp(-x))

for i in range(4000):
    hidden = sigma(X * W0)
    out = sigma(hidden * W1)
    delta_out = (out - y) * out * (1 - out)
    delta_hidden = np.multiply(delta_out * W1.T, np.multiply(hidden, 1 - hidden))
    W1 = W1 - 0.5 * hidden.T * delta_out
    W0 = W0 - 0.5 * X.T * delta_hidden
    if i % 500 == 0:
        print(np.abs(out - y).mean())
