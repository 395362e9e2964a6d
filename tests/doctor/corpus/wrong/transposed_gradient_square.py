# causes: wrong-operand|wrong-gradient|gradient-shape
import numpy as np
rng = np.random.RandomState(33)
X = rng.randn(3, 80); T = np.tanh(rng.randn(3, 3) @ X)
A = rng.randn(3, 3) * .5; B = rng.randn(3, 3) * .5
def fwd():
    H = np.tanh(A @ X)
    return H, B @ H
for i in range(800):
    H, O = fwd()
    E = (O - T) / 80
    gB = E @ H.T
    gA = ((B.T @ E) * (1 - H * H)) @ X.T
    B = B - .3 * gB.T
    A = A - .3 * gA
    if not i % 100: print(i, (E ** 2).sum() * 80)
