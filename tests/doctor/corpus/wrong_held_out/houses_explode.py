# causes: step-too-large|unscaled-inputs|exploding
import numpy as np

size = np.array([850, 900, 1200, 1500, 1750, 2000, 2300, 2600, 3000, 3400], dtype=float)
rooms = np.array([2, 2, 3, 3, 3, 4, 4, 4, 5, 5], dtype=float)
price = np.array([155, 160, 210, 262, 300, 345, 391, 440, 512, 575], dtype=float)

X = np.column_stack((np.ones(len(size)), size, rooms))
theta = np.zeros(3)
alpha = 0.01
J_history = []

for it in range(100):
    h = X.dot(theta)
    J_history.append(np.sum((h - price) ** 2) / (2 * len(price)))
    grad = X.T.dot(h - price) / len(price)
    theta = theta - alpha * grad

print(theta)
print(J_history[-1])
