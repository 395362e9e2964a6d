# causes: init-too-small|vanishing
import numpy as np
np.random.seed(0)

N = 150
X = np.random.randn(N, 4)
y = (np.sin(X[:, 0]) + X[:, 1] > 0).astype(float).reshape(N, 1)

sizes = [4, 10, 10, 10, 1]
W = []
B = []
for i in range(4):
    W.append(np.random.randn(sizes[i], sizes[i + 1]) * 0.001)
    B.append(np.zeros((1, sizes[i + 1])))

for epoch in range(500):
    A = [X]
    for i in range(4):
        Z = A[i].dot(W[i]) + B[i]
        A.append(np.tanh(Z) if i < 3 else 1 / (1 + np.exp(-Z)))
    loss = -np.mean(y * np.log(A[4]) + (1 - y) * np.log(1 - A[4]))
    dZ = (A[4] - y) / N
    dW = [None] * 4
    dB = [None] * 4
    for i in range(3, -1, -1):
        dW[i] = A[i].T.dot(dZ)
        dB[i] = dZ.sum(axis=0, keepdims=True)
        if i:
            dZ = dZ.dot(W[i].T) * (1 - A[i] ** 2)
    for i in range(4):
        W[i] -= 0.1 * dW[i]
        B[i] -= 0.1 * dB[i]
    if epoch % 50 == 0:
        print('loss', epoch, loss)
