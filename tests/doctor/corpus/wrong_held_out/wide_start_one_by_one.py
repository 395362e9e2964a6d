# causes: init-too-large|saturated
import numpy as np

rng = np.random.default_rng(9)
X = rng.normal(size=(150, 2))
t = (X[:, 0] * X[:, 1] > 0).astype(float)
mats = [30 * rng.normal(size=shape) for shape in ((12, 2), (12, 12), (1, 12))]
cuts = [rng.normal(size=len(one)) for one in mats]


def logistic(v):
    return 1 / (1 + np.exp(-np.clip(v, -50, 50)))


for epoch in range(60):
    lost = 0.0
    for k in rng.permutation(len(X)):
        acts = [X[k]]
        for M, c in zip(mats, cuts):
            acts.append(logistic(M @ acts[-1] + c))
        d = (acts[-1] - t[k]) * acts[-1] * (1 - acts[-1])
        lost += float((acts[-1] - t[k]) @ (acts[-1] - t[k]))
        for level in range(2, -1, -1):
            below = mats[level].T @ d * acts[level] * (1 - acts[level])
            mats[level] -= 0.6 * np.outer(d, acts[level])
            cuts[level] -= 0.6 * d
            d = below
    if epoch % 15 == 0:
        print(epoch, lost / len(X))
