# causes: none
import numpy as np

x = np.linspace(-1, 1, 60)
y = 1 - 2 * x + 3 * x ** 3
Phi = np.vander(x, 4, increasing=True)
Phi[:, 1:] = (Phi[:, 1:] - Phi[:, 1:].mean(0)) / Phi[:, 1:].std(0)
w = np.zeros(4)
for it in range(500):
    r = Phi @ w - y
    w -= 0.65 * (Phi.T @ r) / len(x)
closed = np.linalg.lstsq(Phi, y, rcond=None)[0]
print(w, closed, np.abs(w - closed).max())
