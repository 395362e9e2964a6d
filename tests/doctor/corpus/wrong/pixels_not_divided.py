# causes: unscaled-inputs
import numpy as np

rng = np.random.default_rng(23)
base = rng.integers(0, 256, (3, 36)).astype(float)
which = rng.integers(0, 3, 120)
images = np.clip(base[which] + rng.normal(0, 40, (120, 36)), 0, 255)
onehot = np.eye(3)[which]
W1 = rng.normal(0, 1, (36, 12))
b1 = np.zeros(12)
W2 = rng.normal(0, 0.3, (12, 3))
b2 = np.zeros(3)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


for epoch in range(40):
    h = sigmoid(images @ W1 + b1)
    z = h @ W2 + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    d = (p - onehot) / len(images)
    dh = d @ W2.T * h * (1 - h)
    W2 -= 0.02 * h.T @ d
    b2 -= 0.02 * d.sum(axis=0)
    W1 -= 0.02 * images.T @ dh
    b1 -= 0.02 * dh.sum(axis=0)
