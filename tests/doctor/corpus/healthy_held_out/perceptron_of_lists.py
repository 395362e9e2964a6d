# causes: none
import random
random.seed(3)
punkte = []
while len(punkte) < 60:
    x, y = random.uniform(-5, 5), random.uniform(-5, 5)
    if abs(y + x - 2) > 0.8:
        punkte.append((x, y, 1 if x + y > 2 else 0))
w1, w2, b = random.random(), random.random(), 0.0
rate = 0.05
for runde in range(300):
    fehler = 0
    for x, y, ziel in punkte:
        s = w1 * x + w2 * y + b
        aus = 1 if s > 0 else 0
        w1 += rate * (ziel - aus) * x
        w2 += rate * (ziel - aus) * y
        b += rate * (ziel - aus)
        fehler += abs(ziel - aus)
print(fehler)
