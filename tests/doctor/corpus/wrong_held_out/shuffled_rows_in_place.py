# causes: shuffled-without-labels
import numpy as np

g = np.random.default_rng(3)
c = np.array([[2.0, 0], [-2, 1], [0, -2]])
lab = g.integers(0, 3, 150)
P = c[lab] + g.normal(0, 0.6, (150, 2))
H = np.eye(3)[lab]
A, B = g.normal(0, 0.5, (2, 9)), g.normal(0, 0.5, (9, 3))
a, b = np.zeros(9), np.zeros(3)
for ep in range(150):
    g.shuffle(P)
    for s in range(0, 150, 30):
        h = np.tanh(P[s : s + 30] @ A + a)
        z = h @ B + b
        q = np.exp(z - z.max(1, keepdims=True))
        q /= q.sum(1, keepdims=True)
        d = (q - H[s : s + 30]) / 30
        e = d @ B.T * (1 - h * h)
        B -= 0.4 * h.T @ d
        b -= 0.4 * d.sum(0)
        A -= 0.4 * P[s : s + 30].T @ e
        a -= 0.4 * e.sum(0)
print("right:", np.mean((np.tanh(P @ A + a) @ B + b).argmax(1) == lab))
