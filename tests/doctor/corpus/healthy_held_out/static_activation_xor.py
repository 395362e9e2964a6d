# causes: none
import numpy as np
X = np.array([[0,0],[0,1],[1,0],[1,1]]); Y = np.array([[0],[1],[1],[0]])
class NN:
    def __init__(self, seed=10):
        r = np.random.RandomState(seed)
        self.W1, self.B1 = r.uniform(-1, 1, (2, 8)), r.uniform(-1, 1, (1, 8))
        self.W2, self.B2 = r.uniform(-1, 1, (8, 1)), r.uniform(-1, 1, (1, 1))
    @staticmethod
    def act(x, d=False):
        return x * (1 - x) if d else 1 / (1 + np.exp(-x))
    def fit(self, X, Y, n, lr):
        for _ in range(n):
            H = self.act(X @ self.W1 + self.B1); O = self.act(H @ self.W2 + self.B2)
            dO = (Y - O) * self.act(O, True); dH = dO @ self.W2.T * self.act(H, True)
            self.W2 += lr * H.T @ dO; self.B2 += lr * dO.sum(0, keepdims=True)
            self.W1 += lr * X.T @ dH; self.B1 += lr * dH.sum(0, keepdims=True)
        return O
print(NN().fit(X, Y, 10000, 1.0))
