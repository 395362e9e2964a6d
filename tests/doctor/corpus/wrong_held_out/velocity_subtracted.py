# causes: wrong-sign
import numpy as np

rng = np.random.default_rng(0)
X = np.linspace(-2, 2, 80)[:, None]
Y = np.sin(2 * X)

W1 = rng.standard_normal((1, 20)); b1 = np.zeros((1, 20))
W2 = rng.standard_normal((20, 1)) / np.sqrt(20); b2 = np.zeros((1, 1))
vW1 = np.zeros_like(W1); vb1 = np.zeros_like(b1)
vW2 = np.zeros_like(W2); vb2 = np.zeros_like(b2)
lr = 0.01
beta = 0.9

for t in range(400):
    H = np.tanh(X @ W1 + b1)
    P = H @ W2 + b2
    E = P - Y
    mse = (E ** 2).mean()
    gP = 2 * E / len(X)
    gW2 = H.T @ gP
    gb2 = gP.sum(0, keepdims=True)
    gH = gP @ W2.T * (1 - H ** 2)
    gW1 = X.T @ gH
    gb1 = gH.sum(0, keepdims=True)
    vW1 = beta * vW1 - lr * gW1
    vb1 = beta * vb1 - lr * gb1
    vW2 = beta * vW2 - lr * gW2
    vb2 = beta * vb2 - lr * gb2
    W1 -= vW1
    b1 -= vb1
    W2 -= vW2
    b2 -= vb2
    if t % 40 == 0:
        print(t, mse)
