# causes: too-few-steps
import numpy as np

np.random.seed(3)
X = np.linspace(0, 2 * np.pi, 100)[:, None]
Xn = (X - np.pi) / np.pi
Y = np.sin(X)

W1 = np.random.randn(1, 20)
b1 = np.zeros((1, 20))
W2 = np.random.randn(20, 1) * 0.2
b2 = np.zeros((1, 1))
EPOCHS = 25
LR = 0.1

history = []
for epoch in range(EPOCHS):
    A1 = np.tanh(Xn @ W1 + b1)
    Yhat = A1 @ W2 + b2
    E = Yhat - Y
    history.append(np.mean(E ** 2))
    gW2 = A1.T @ E * 2 / len(X)
    gb2 = E.mean(0, keepdims=True) * 2
    gA1 = E @ W2.T * 2 / len(X)
    gZ1 = gA1 * (1 - A1 ** 2)
    gW1 = Xn.T @ gZ1
    gb1 = gZ1.sum(0, keepdims=True)
    W1 -= LR * gW1; b1 -= LR * gb1
    W2 -= LR * gW2; b2 -= LR * gb2
print("first loss", history[0], "last loss", history[-1])
