# causes: none
import math, random
random.seed(5)
W = [[random.uniform(-1, 1) for _ in range(3)] for _ in range(4)]
V = [random.uniform(-1, 1) for _ in range(5)]
f = lambda z: 1 / (1 + math.exp(-z))
data = [((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0)]
for epoch in range(1500):
    for (a, b), t in data:
        x = [a, b, 1]
        h = [f(sum(w * xi for w, xi in zip(row, x))) for row in W] + [1]
        o = f(sum(v * hi for v, hi in zip(V, h)))
        d = (o - t) * o * (1 - o)
        for j in range(4):
            dj = d * V[j] * h[j] * (1 - h[j])
            for k in range(3):
                W[j][k] -= 2.0 * dj * x[k]
        for j in range(5):
            V[j] -= 2.0 * d * h[j]
print(o)
