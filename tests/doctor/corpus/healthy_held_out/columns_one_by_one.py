# causes: none
import numpy as np

rs = np.random.RandomState(12)
train = []
for _ in range(100):
    p = rs.uniform(-1, 1, (2, 1))
    train.append((p, np.array([[1.0], [0.0]]) if p[0, 0] * p[1, 0] > 0 else np.array([[0.0], [1.0]])))

sizes = [2, 10, 2]
W = [rs.randn(sizes[l + 1], sizes[l]) for l in range(2)]
B = [rs.randn(sizes[l + 1], 1) for l in range(2)]

def squash(z): return 1 / (1 + np.exp(-z))

def epoch(eta):
    hits = 0
    rs.shuffle(train)
    for x, t in train:
        a1 = squash(W[0] @ x + B[0])
        a2 = squash(W[1] @ a1 + B[1])
        hits += int(a2.argmax() == t.argmax())
        d2 = (a2 - t) * a2 * (1 - a2)
        d1 = W[1].T @ d2 * a1 * (1 - a1)
        W[1] = W[1] - eta * d2 @ a1.T
        B[1] = B[1] - eta * d2
        W[0] = W[0] - eta * d1 @ x.T
        B[0] = B[0] - eta * d1
    return hits

for n in range(60):
    c = epoch(1.0)
    if n % 10 == 0:
        print(f"epoch {n}: {c} of {len(train)}")
