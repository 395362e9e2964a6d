# causes: wrong-operand|wrong-gradient
import numpy as np
# samples as columns, weights (out, in), the delta of layer 1 uses W1 instead of W2 (square)
np.random.seed(59)
X = np.random.randn(4, 100); T = np.tanh(np.random.randn(4, 4) @ X)
W1 = np.random.randn(4, 4) * .5; W2 = np.random.randn(4, 4) * .5; b1 = np.zeros((4, 1)); b2 = np.zeros((4, 1))
for n in range(500):
    Z1 = W1.dot(X) + b1; A1 = np.tanh(Z1); Z2 = W2.dot(A1) + b2
    dZ2 = (Z2 - T) / 100
    dZ1 = W1.T.dot(dZ2) * (1 - A1 ** 2)
    W1 = W1 - .2 * dZ1.dot(X.T); b1 = b1 - .2 * dZ1.sum(1, keepdims=True)
    W2 = W2 - .2 * dZ2.dot(A1.T); b2 = b2 - .2 * dZ2.sum(1, keepdims=True)
    if n % 100 == 0: print(n, np.mean((Z2 - T) ** 2))
