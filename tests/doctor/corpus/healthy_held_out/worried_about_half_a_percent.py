# causes: none
# "my loss jumps up and down in the first epochs, is something wrong?"
import numpy as np
rng = np.random.default_rng(25)
X = rng.normal(size=(500, 10))
w_true = rng.normal(size=10)
y = np.sign(X @ w_true + 0.5 * rng.normal(size=500))
w = rng.normal(size=10)
b = 0.
lam = 0.001
for epoch in range(1, 21):
    hinge = 0
    for i in rng.permutation(500):
        m = y[i] * (X[i] @ w + b)
        eta = 1 / (lam * (epoch * 500 + 5000))
        w -= eta * lam * w
        if m < 1:
            hinge += 1 - m
            w += eta * y[i] * X[i]
            b += eta * y[i] * 0.1
    print(epoch, hinge / 500, np.mean(np.sign(X @ w + b) == y))
