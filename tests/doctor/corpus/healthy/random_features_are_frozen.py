# causes: none
import numpy as np

rng = np.random.default_rng(26)
X = rng.uniform(-2, 2, (120, 1))
y = np.sin(2 * X[:, 0])
omega = rng.normal(0, 2, (1, 60))
phase = rng.uniform(0, 2 * np.pi, 60)
beta = np.zeros(60)
for i in range(800):
    features = np.cos(X @ omega + phase)
    r = features @ beta - y
    beta -= 0.02 * features.T @ r / 60
