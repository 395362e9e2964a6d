# causes: unscaled-inputs|step-too-large
import numpy as np
np.random.seed(109)
year = np.random.randint(1990, 2020, 100).astype(float)
km = np.random.uniform(1e4, 2e5, 100)
price = 500 * (year - 1990) - .02 * km + 8000 + np.random.randn(100) * 300
X = np.column_stack([year, km])
price = (price - price.mean()) / price.std()
w = np.zeros(2); b = 0.0
for i in range(1000):
    pred = X @ w + b
    w -= 1e-2 * 2 / 100 * X.T @ (pred - price)
    b -= 1e-2 * 2 / 100 * (pred - price).sum()
print(w, b)
