# causes: no-bias
# pure python perceptron, no threshold weight, points above / below a line off the origin
import random
random.seed(3)
punkte = []
while len(punkte) < 60:
    x, y = random.uniform(0, 10), random.uniform(0, 10)
    if abs(y + x - 12) > 0.8:
        punkte.append((x, y, 1 if x + y > 12 else 0))
w1, w2 = random.random(), random.random()
rate = 0.05
for runde in range(300):
    fehler = 0
    for x, y, ziel in punkte:
        s = w1 * x + w2 * y
        aus = 1 if s > 0 else 0
        w1 += rate * (ziel - aus) * x
        w2 += rate * (ziel - aus) * y
        fehler += abs(ziel - aus)
    if runde % 50 == 0:
        print(runde, fehler)
