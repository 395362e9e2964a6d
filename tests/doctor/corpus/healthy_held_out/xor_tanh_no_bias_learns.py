# causes: none
import numpy as np
X = np.array([[0,0],[0,1],[1,0],[1,1]]).T
Y = np.array([[0,1,1,0]])
np.random.seed(3)
W1 = np.random.randn(3, 2); W2 = np.random.randn(1, 3)
# no bias anywhere
for i in range(8000):
    A1 = np.tanh(W1 @ X); A2 = np.tanh(W2 @ A1)
    E = A2 - Y
    d2 = E * (1 - A2 ** 2)
    d1 = W2.T @ d2 * (1 - A1 * A1)
    W2 = W2 - 0.1 * d2 @ A1.T
    W1 = W1 - 0.1 * d1 @ X.T
    if i % 2000 == 0: print(np.mean(E ** 2))
print(A2)
