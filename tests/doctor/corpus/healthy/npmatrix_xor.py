# causes: none
import numpy as np
np.random.seed(2)
X = np.matrix("0 0 1; 0 1 1; 1 0 1; 1 1 1", dtype=float)
Y = np.matrix("0; 1; 1; 0", dtype=float)
S0 = np.mat(2 * np.random.random((3, 8)) - 1) if hasattr(np, "mat") else np.asmatrix(2 * np.random.random((3, 8)) - 1)
S1 = np.asmatrix(2 * np.random.random((8, 1)) - 1)
f = lambda z: 1 / (1 + np.exp(-z))
for i in range(6000):
    H = f(X * S0)
    O = f(H * S1)
    D = np.multiply(np.multiply(Y - O, O), 1 - O)
    E = np.multiply(np.multiply(D * S1.T, H), 1 - H)
    S1 = S1 + H.T * D
    S0 = S0 + X.T * E
print(O.round(3))
