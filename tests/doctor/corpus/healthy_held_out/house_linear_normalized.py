# causes: none
import numpy as np
np.random.seed(0)
sqm = np.random.uniform(30, 150, 80)
rooms = np.clip(np.round(sqm / 28), 1, None)
price = 3000 * sqm + 8000 * rooms + np.random.randn(80) * 15000
X = np.c_[sqm, rooms]
mu, sigma = X.mean(axis=0), X.std(axis=0)
X = np.c_[np.ones(80), (X - mu) / sigma]
y = price / 1000
theta = np.zeros(3)
alpha = 0.1
J_history = []
for i in range(400):
    h = X @ theta
    J_history.append(((h - y) ** 2).sum() / (2 * len(y)))
    theta = theta - alpha / len(y) * (X.T @ (h - y))
print("theta", theta)
print("J", J_history[0], "->", J_history[-1])
test = (np.array([100, 4]) - mu) / sigma
print("price for 100 sqm, 4 rooms:", theta @ np.r_[1, test])
