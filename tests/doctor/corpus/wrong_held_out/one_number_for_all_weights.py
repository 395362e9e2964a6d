# causes: gradient-shape|wrong-gradient
import numpy as np

np.random.seed(14)
cloud = np.random.randn(120, 2)
side = (cloud[:, 0] ** 2 + cloud[:, 1] ** 2 > 1.2).astype(float)

hidden_w = np.random.randn(2, 9)
hidden_b = np.zeros(9)
out_w = np.random.randn(9) * 0.5
out_b = 0.0

for lap in range(300):
    for point, target in zip(cloud, side):
        h = np.tanh(point @ hidden_w + hidden_b)
        p = 1 / (1 + np.exp(-(h @ out_w + out_b)))
        delta = p - target
        pulled = delta * out_w * (1 - h ** 2)
        out_w = out_w - 0.05 * delta * h
        out_b = out_b - 0.05 * delta
        hidden_w = hidden_w - 0.05 * np.dot(pulled, h)
        hidden_b = hidden_b - 0.05 * pulled
    if lap % 50 == 0:
        print(lap, np.mean((np.tanh(cloud @ hidden_w + hidden_b) @ out_w + out_b > 0) == side))
