# causes: none
import numpy as np
rng = np.random.default_rng(4)
X = rng.normal(size=(100, 3)); y = (X @ [1, -1, .5] > 0).astype(float)
scores = []
for fold in np.array_split(rng.permutation(100), 4):
    train = np.setdiff1d(np.arange(100), fold)
    w, b = np.zeros(3), 0.
    for it in range(200):
        p = 1 / (1 + np.exp(-(X[train] @ w + b)))
        g = p - y[train]
        w -= .5 * X[train].T @ g / len(train); b -= .5 * g.mean()
    scores.append(np.mean(((X[fold] @ w + b) > 0) == y[fold]))
print(scores)
