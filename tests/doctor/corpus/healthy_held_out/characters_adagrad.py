# causes: none
import numpy as np

# character RNN that learns to spell "merhaba dunya " over and over
metin = "merhaba dunya " * 30
harfler = sorted(set(metin))
ix = {h: i for i, h in enumerate(harfler)}
V, H, T = len(harfler), 24, 14

rs = np.random.RandomState(0)
Wxh = rs.randn(H, V) * 0.1
Whh = rs.randn(H, H) * 0.1
Why = rs.randn(V, H) * 0.1
bh, by = np.zeros((H, 1)), np.zeros((V, 1))
mem = [np.zeros_like(p) for p in (Wxh, Whh, Why, bh, by)]

def adim(giris, hedef, h0):
    xs, hs, ps, kayip = {}, {-1: h0}, {}, 0
    for t in range(len(giris)):
        xs[t] = np.zeros((V, 1)); xs[t][giris[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t-1] + bh)
        y = Why @ hs[t] + by
        ps[t] = np.exp(y - y.max()); ps[t] /= ps[t].sum()
        kayip += -np.log(ps[t][hedef[t], 0])
    g = [np.zeros_like(p) for p in (Wxh, Whh, Why, bh, by)]
    dsonra = np.zeros((H, 1))
    for t in reversed(range(len(giris))):
        dy = ps[t].copy(); dy[hedef[t]] -= 1
        g[2] += dy @ hs[t].T; g[4] += dy
        dh = Why.T @ dy + dsonra
        dz = (1 - hs[t] ** 2) * dh
        g[3] += dz; g[0] += dz @ xs[t].T; g[1] += dz @ hs[t-1].T
        dsonra = Whh.T @ dz
    for d in g: np.clip(d, -5, 5, out=d)
    return kayip, g, hs[len(giris) - 1]

konum, h = 0, np.zeros((H, 1))
ortalama = -np.log(1.0 / V) * T
for n in range(1001):
    if konum + T + 1 >= len(metin):
        konum, h = 0, np.zeros((H, 1))
    giris = [ix[c] for c in metin[konum:konum + T]]
    hedef = [ix[c] for c in metin[konum + 1:konum + T + 1]]
    kayip, g, h = adim(giris, hedef, h)
    ortalama = ortalama * 0.99 + kayip * 0.01
    for p, d, m in zip((Wxh, Whh, Why, bh, by), g, mem):
        m += d * d
        p += -0.1 * d / np.sqrt(m + 1e-8)
    if n % 100 == 0:
        print("adim", n, "kayip", ortalama)
    konum += T
