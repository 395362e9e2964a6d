# causes: init-too-small
import numpy as np
rng = np.random.default_rng(17)
X = rng.uniform(-1, 1, size=(2, 120))
Y = (X[0:1] * X[1:2] > 0).astype(float)
sizes = [2, 8, 8, 1]
Ws = [rng.normal(size=(o, i)) * 1e-5 for i, o in zip(sizes, sizes[1:])]
bs = [np.zeros((o, 1)) for o in sizes[1:]]
m = X.shape[1]
for it in range(1500):
    A = [X]
    for l, (W, b) in enumerate(zip(Ws, bs)):
        Z = W @ A[-1] + b
        A.append(np.tanh(Z) if l < len(Ws) - 1 else 1 / (1 + np.exp(-Z)))
    dZ = (A[-1] - Y) / m
    for l in range(len(Ws) - 1, -1, -1):
        dW, db = dZ @ A[l].T, dZ.sum(axis=1, keepdims=True)
        if l > 0:
            dZ = (Ws[l].T @ dZ) * (1 - A[l] ** 2)
        Ws[l] = Ws[l] - 0.5 * dW
        bs[l] = bs[l] - 0.5 * db
    if it % 250 == 0:
        print(it, float(np.mean((A[-1] > 0.5) == Y)))
