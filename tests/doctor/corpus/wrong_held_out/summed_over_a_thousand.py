# causes: not-averaged
import numpy as np

def relu(z): return np.maximum(z, 0)

rng = np.random.default_rng(8)
X = rng.uniform(-1, 1, (1000, 2))
Y = (np.abs(X[:, 0]) + np.abs(X[:, 1]) < 0.8).astype(float).reshape(-1, 1)

W1 = rng.normal(0, 1.0, (2, 12)); b1 = np.zeros((1, 12))
W2 = rng.normal(0, 0.4, (12, 1)); b2 = np.zeros((1, 1))
lr = 0.3
history = []
for step in range(400):
    H = relu(X @ W1 + b1)
    Z = np.clip(H @ W2 + b2, -30, 30)
    P = 1 / (1 + np.exp(-Z))
    history.append(-np.mean(Y * np.log(P) + (1 - Y) * np.log(1 - P)))
    G = P - Y
    gW2 = H.T @ G
    gb2 = np.sum(G, axis=0, keepdims=True)
    GH = (G @ W2.T) * (H > 0)
    gW1 = X.T @ GH
    gb1 = np.sum(GH, axis=0, keepdims=True)
    W2 -= lr * gW2; b2 -= lr * gb2
    W1 -= lr * gW1; b1 -= lr * gb1
    if step % 50 == 0:
        print(step, history[-1], ((P > 0.5) == Y).mean())
