# causes: none
import numpy as np

rng = np.random.default_rng(24)
latent = rng.normal(size=(100, 2))
X = np.tanh(latent @ rng.normal(0, 1, (2, 6)))
E, D = rng.normal(0, 0.4, (6, 3)), rng.normal(0, 0.4, (3, 6))
for epoch in range(1500):
    code = np.tanh(X @ E)
    back = code @ D
    d = 2 * (back - X) / X.size
    dc = d @ D.T * (1 - code**2)
    D -= 0.5 * code.T @ d
    E -= 0.5 * X.T @ dc
