# causes: none
import numpy as np
rng = np.random.default_rng(0)
X = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
y = (rng.uniform(size=200) < 1 / (1 + np.exp(-(X @ [0.3, 1.5, -1.0])))).astype(float)
beta = np.zeros(3)
for k in range(25):
    p = 1 / (1 + np.exp(-X @ beta))
    g = X.T @ (p - y)
    H = X.T @ (X * (p * (1 - p))[:, None])
    step = np.linalg.solve(H, g)
    beta = beta - step
    print(k, np.abs(step).max())
    if np.abs(step).max() < 1e-10:
        break
print(beta)
