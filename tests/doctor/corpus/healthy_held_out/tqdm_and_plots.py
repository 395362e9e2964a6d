# causes: none
import numpy as np
import matplotlib.pyplot as plt
from tqdm import tqdm, trange

np.random.seed(0)
K, N, D = 3, 80, 2
X = np.zeros((N * K, D))
y = np.zeros(N * K, dtype='uint8')
for j in range(K):
    ix = range(N * j, N * (j + 1))
    r = np.linspace(0.0, 1, N)
    t = np.linspace(j * 4, (j + 1) * 4, N) + np.random.randn(N) * 0.2
    X[ix] = np.c_[r * np.sin(t), r * np.cos(t)]
    y[ix] = j
plt.scatter(X[:, 0], X[:, 1], c=y)

h = 50
W = 0.1 * np.random.randn(D, h); b = np.zeros((1, h))
W2 = 0.1 * np.random.randn(h, K); b2 = np.zeros((1, K))
step_size, reg = 1.0, 1e-3
hist = []
bar = trange(1500)
for i in bar:
    hidden = np.maximum(0, X @ W + b)
    scores = hidden @ W2 + b2
    probs = np.exp(scores); probs /= probs.sum(axis=1, keepdims=True)
    loss = -np.log(probs[range(len(y)), y]).mean() + 0.5 * reg * ((W * W).sum() + (W2 * W2).sum())
    hist.append(loss)
    bar.set_description(f"loss {loss:.3f}")
    d = probs
    d[range(len(y)), y] -= 1
    d /= len(y)
    dW2 = hidden.T @ d + reg * W2
    db2 = d.sum(axis=0, keepdims=True)
    dh = d @ W2.T
    dh[hidden <= 0] = 0
    dW = X.T @ dh + reg * W
    db = dh.sum(axis=0, keepdims=True)
    W -= step_size * dW; b -= step_size * db; W2 -= step_size * dW2; b2 -= step_size * db2
fig, ax = plt.subplots(1, 2, figsize=(8, 3))
ax[0].plot(hist)
ax[1].imshow(W)
plt.savefig("curve.png")
print("accuracy", (np.argmax(np.maximum(0, X @ W + b) @ W2 + b2, axis=1) == y).mean())
