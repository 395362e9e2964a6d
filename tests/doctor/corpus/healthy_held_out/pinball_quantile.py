# causes: none
import numpy as np

rng = np.random.default_rng(7)
x = rng.uniform(0, 2, 400)
y = 1 + 2 * x + rng.exponential(0.5, 400)
tau = 0.9
a, b = 0.0, 0.0
for k in range(3000):
    r = y - (a * x + b)
    loss = np.mean(np.maximum(tau * r, (tau - 1) * r))
    g = np.where(r > 0, -tau, 1 - tau)
    lr = 0.5 / np.sqrt(1 + k / 100)
    a -= lr * np.mean(g * x)
    b -= lr * np.mean(g)
    if k % 500 == 0:
        print(k, loss, a, b)
print("share below the line", np.mean(y < a * x + b))
