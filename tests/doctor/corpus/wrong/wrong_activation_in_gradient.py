# causes: wrong-operand
import numpy as np

np.random.seed(5)


class MLP:
    def __init__(self):
        self.W = [
            np.random.randn(4, 6) * 0.5,
            np.random.randn(6, 6) * 0.5,
            np.random.randn(6, 2) * 0.5,
        ]

    def fit(self, X, Y, epochs=300, lr=0.3):
        m = X.shape[0]
        for e in range(epochs):
            A0 = X
            A1 = np.tanh(A0 @ self.W[0])
            A2 = np.tanh(A1 @ self.W[1])
            Z = A2 @ self.W[2]
            P = np.exp(Z - Z.max(1, keepdims=True))
            P /= P.sum(1, keepdims=True)
            D3 = (P - Y) / m
            D2 = D3 @ self.W[2].T * (1 - A2**2)
            D1 = D2 @ self.W[1].T * (1 - A1**2)
            G = [A0.T @ D1, A2.T @ D2, A2.T @ D3]
            for i in range(3):
                self.W[i] -= lr * G[i]
        return P


X = np.random.randn(100, 4)
labels = (X[:, 0] ** 2 + X[:, 1] ** 2 > 1.5).astype(int)
model = MLP()
P = model.fit(X, np.eye(2)[labels])
print("accuracy", (P.argmax(1) == labels).mean())
