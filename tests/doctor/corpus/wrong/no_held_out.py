# causes: no-held-out-data
import numpy as np
rng = np.random.default_rng(57)
X = rng.normal(size=(30, 10)); y = (rng.random((30, 1)) > .5).astype(float)
W1 = rng.normal(size=(10, 60)) * .3; b1 = np.zeros(60); W2 = rng.normal(size=(60, 1)) * .2; b2 = np.zeros(1)
for epoch in range(1500):
    H = np.tanh(X @ W1 + b1); P = 1 / (1 + np.exp(-(H @ W2 + b2)))
    D = (P - Y) / 30 if False else (P - y) / 30
    DH = D @ W2.T * (1 - H ** 2)
    W2 -= .5 * H.T @ D; b2 -= .5 * D.sum(0); W1 -= .5 * X.T @ DH; b1 -= .5 * DH.sum(0)
print("My network has", 100 * np.mean((P > .5) == y), "% accuracy!")
