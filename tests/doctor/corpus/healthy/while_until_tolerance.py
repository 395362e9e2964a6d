# causes: none
import numpy as np

rng = np.random.default_rng(20)
X = rng.normal(size=(50, 2))
y = X @ [1.5, -0.7] + 0.2
w = np.zeros(2)
b = 0.0
previous, loss = np.inf, np.inf
n = 0
while n < 2000:
    r = X @ w + b - y
    loss = np.mean(r**2)
    if abs(previous - loss) < 1e-10:
        break
    previous = loss
    w = w - 0.1 * 2 * X.T @ r / 50
    b = b - 0.1 * 2 * r.mean()
    n += 1
