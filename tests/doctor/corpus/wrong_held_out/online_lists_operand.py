# causes: wrong-operand|wrong-gradient
import math, random
random.seed(4)
points = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(40)]
labels = [1.0 if a + 0.5 * b > 0.1 else 0.0 for a, b in points]
w1 = [[random.gauss(0, 1) for _ in range(2)] for _ in range(3)]
b1 = [0.0, 0.0, 0.0]
w2 = [random.gauss(0, 1) for _ in range(3)]
b2 = 0.0
def sig(v): return 1 / (1 + math.exp(-v))
for epoch in range(100):
    err = 0.0
    for x, t in zip(points, labels):
        h = []
        for j in range(3):
            h.append(math.tanh(w1[j][0] * x[0] + w1[j][1] * x[1] + b1[j]))
        o = sig(sum(a * b for a, b in zip(w2, h)) + b2)
        err += -math.log(o if t else 1 - o)
        d = o - t
        for j in range(3):
            dj = d * h[j] * (1 - h[j] ** 2)
            w1[j][0] -= 0.1 * dj * x[0]
            w1[j][1] -= 0.1 * dj * x[1]
            b1[j] -= 0.1 * dj
            w2[j] -= 0.1 * d * h[j]
        b2 -= 0.1 * d
    if epoch % 10 == 0: print(epoch, err / 40)
