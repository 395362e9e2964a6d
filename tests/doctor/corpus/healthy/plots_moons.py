# causes: none
import numpy as np
import matplotlib.pyplot as plt

rng = np.random.default_rng(1)
t = rng.uniform(0, 2 * np.pi, 200)
r = np.where(np.arange(200) < 100, 0.5, 1.5) + rng.normal(0, .1, 200)
X = np.stack([r * np.cos(t), r * np.sin(t)], axis=1)
y = (np.arange(200) >= 100).astype(float)[:, None]
W1 = rng.normal(size=(2, 12)); b1 = np.zeros((1, 12))
W2 = rng.normal(size=(12, 1)) / 3; b2 = np.zeros((1, 1))
losses = []
fig, ax = plt.subplots()
for epoch in range(1000):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    losses.append(-np.mean(y * np.log(p + 1e-9) + (1 - y) * np.log(1 - p + 1e-9)))
    d = (p - y) / len(X)
    dh = d @ W2.T * (1 - h ** 2)
    W2 -= h.T @ d; b2 -= d.sum(0, keepdims=True)
    W1 -= X.T @ dh; b1 -= dh.sum(0, keepdims=True)
    if epoch % 200 == 0:
        ax.plot(losses)
        plt.pause(0.01)
plt.savefig("loss.png")
plt.show()
