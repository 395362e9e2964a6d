# causes: no-bias
import numpy as np
rng = np.random.RandomState(37)
x = rng.uniform(20, 30, (80, 1)) / 30
celsius = x * 3.0
fahrenheit = celsius * 1.8 + 32
w = rng.randn(1, 1)
for step in range(2000):
    pred = celsius @ w
    grad = 2 * celsius.T @ (pred - fahrenheit) / len(x)
    w -= 0.05 * grad
print("w", w, "mse", np.mean((celsius @ w - fahrenheit) ** 2))
