# causes: unscaled-inputs|step-too-large
import numpy as np

# House prices. Columns: area in square feet, bedrooms, age in years
raw = np.array([
    [2104, 3, 12, 399.9], [1600, 3, 28, 329.9], [2400, 3, 5, 369.0], [1416, 2, 40, 232.0],
    [3000, 4, 8, 539.9], [1985, 4, 22, 299.9], [1534, 3, 31, 314.9], [1427, 3, 17, 198.9],
    [1380, 3, 33, 212.0], [1494, 3, 20, 242.5], [1940, 4, 15, 239.9], [2000, 3, 9, 347.0],
    [1890, 3, 25, 329.9], [4478, 5, 3, 699.9], [1268, 3, 44, 259.9], [2300, 4, 10, 449.9],
    [1320, 2, 38, 299.9], [1236, 3, 29, 199.9], [2609, 4, 14, 499.9], [3031, 4, 6, 599.0],
])
X = raw[:, :3]
y = raw[:, 3]
m = y.size

X = np.hstack([np.ones((m, 1)), X])
theta = np.zeros(4)
alpha = 0.1
iterations = 400

J = []
for i in range(iterations):
    h = X @ theta
    theta = theta - alpha / m * (X.T @ (h - y))
    J.append(np.sum((X @ theta - y) ** 2) / (2 * m))
    if i < 3 or i % 100 == 0:
        print(f'{i:4d}: J = {J[-1]:.4g}')

print('theta found:', theta)
print('price of the first house:', X[0] @ theta, 'should be', y[0])
