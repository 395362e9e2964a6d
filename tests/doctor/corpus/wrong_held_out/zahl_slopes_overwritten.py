# causes: wrong-gradient
import random, math
random.seed(0)
class Zahl:
    def __init__(self, wert, eltern=()):
        self.wert = wert; self.abl = 0.0; self.eltern = eltern
    def __add__(self, o):
        o = o if isinstance(o, Zahl) else Zahl(o)
        return Zahl(self.wert + o.wert, ((self, 1.0), (o, 1.0)))
    def __mul__(self, o):
        o = o if isinstance(o, Zahl) else Zahl(o)
        return Zahl(self.wert * o.wert, ((self, o.wert), (o, self.wert)))
    def tanh(self):
        t = math.tanh(self.wert)
        return Zahl(t, ((self, 1 - t * t),))
    def rueckwaerts(self, s=1.0):
        self.abl = s
        for e, d in self.eltern:
            e.rueckwaerts(s * d)
w = Zahl(0.1); b = Zahl(0.0)
xs = [-1.0, -0.5, 0.0, 0.5, 1.0]
for epoch in range(200):
    verlust = Zahl(0.0)
    for x in xs:
        d = (w * x + b).tanh() + (-math.tanh(2 * x + 0.5))
        verlust = verlust + d * d
    w.abl = b.abl = 0.0
    verlust.rueckwaerts()
    w.wert -= 0.1 * w.abl; b.wert -= 0.1 * b.abl
print(w.wert, b.wert, verlust.wert)
