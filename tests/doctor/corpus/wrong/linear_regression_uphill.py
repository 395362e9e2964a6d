# causes: wrong-sign
import numpy as np

rng = np.random.default_rng(2)
x = rng.uniform(-1, 1, 50)
y = 3 * x + 1 + rng.normal(0, 0.1, 50)
w, b = 0.0, 0.0
lr = 0.05
for epoch in range(100):
    y_hat = w * x + b
    error = y - y_hat
    dw = -2 * np.mean(error * x)
    db = -2 * np.mean(error)
    w = w + lr * dw
    b = b + lr * db
    print(epoch, np.mean(error**2))
