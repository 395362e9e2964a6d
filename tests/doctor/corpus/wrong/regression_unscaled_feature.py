# causes: unscaled-inputs
import numpy as np

rng = np.random.default_rng(19)
size = rng.uniform(500, 3500, 60)
rooms = rng.integers(1, 6, 60).astype(float)
price = 0.1 * size + 20 * rooms + rng.normal(0, 5, 60)
X = np.column_stack([size, rooms])
theta = np.zeros(2)
bias = 0.0
alpha = 0.01
for i in range(200):
    prediction = X @ theta + bias
    error = prediction - price
    theta = theta - alpha * X.T @ error / len(price)
    bias = bias - alpha * error.mean()
print(theta, bias)
