# causes: none
import numpy as np
rng = np.random.RandomState(1)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1.]])
Y = np.array([0, 1, 1, 0.])
def net(w, X):
    W1 = w[:8].reshape(2, 4); b1 = w[8:12]; W2 = w[12:16]; b2 = w[16]
    return 1 / (1 + np.exp(-(np.tanh(X @ W1 + b1) @ W2 + b2)))
best = rng.randn(17)
best_loss = np.mean((net(best, X) - Y) ** 2)
for i in range(3000):
    cand = best + rng.randn(17) * 0.3
    loss = np.mean((net(cand, X) - Y) ** 2)
    if loss < best_loss:
        best, best_loss = cand, loss
print(best_loss)
