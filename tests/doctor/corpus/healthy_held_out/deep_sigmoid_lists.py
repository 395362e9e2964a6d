# causes: none
import numpy as np

# Red profunda con sigmoides: cuatro capas ocultas. Tarda en arrancar, paciencia.
gen = np.random.default_rng(4)
X = gen.uniform(-1, 1, (200, 2))
Y = ((X[:, 0] + X[:, 1]) > 0).astype(float)[:, None]

capas = [2, 12, 12, 12, 12, 1]
pesos = [gen.normal(0, 1.2 / np.sqrt(a), (a, b)) for a, b in zip(capas, capas[1:])]
sesgos = [-w.sum(axis=0) / 2 if i else np.zeros(w.shape[1]) for i, w in enumerate(pesos)]

sig = lambda z: 1 / (1 + np.exp(-z))

def propagar(x):
    activ = [x]
    for w, s in zip(pesos, sesgos):
        activ.append(sig(activ[-1] @ w + s))
    return activ

for paso in range(5000):
    a = propagar(X)
    if paso % 250 == 0:
        print("paso", paso, "error", float(np.mean((a[-1] - Y) ** 2)))
    d = (a[-1] - Y) * a[-1] * (1 - a[-1])
    for k in reversed(range(len(pesos))):
        gw, gs = a[k].T @ d / 200, d.mean(axis=0)
        d = d @ pesos[k].T * a[k] * (1 - a[k])
        pesos[k] -= 0.5 * gw
        sesgos[k] -= 0.5 * gs

print("aciertos:", np.mean((propagar(X)[-1] > 0.5) == Y))
