# causes: none
# Temperaturvorhersage: RMSProp, Lernratenplan, frühes Stoppen
import numpy as np
rng = np.random.RandomState(21)

tage = rng.uniform(0, 365, 500)
temp = 10 - 11 * np.cos(2 * np.pi * (tage - 15) / 365) + rng.randn(500) * 1.5

x = (tage / 182.5 - 1)[:, None]
y = ((temp - 10) / 10)[:, None]
x_tr, y_tr = x[:350], y[:350]
x_va, y_va = x[350:430], y[350:430]
x_te, y_te = x[430:], y[430:]

theta = [rng.randn(1, 20) * 1.5, rng.randn(20) * 1.0, rng.randn(20, 1) * 0.2, np.zeros(1)]
quadrate = [np.zeros_like(t) for t in theta]

def vorwaerts(x, th):
    a = np.tanh(x @ th[0] + th[1])
    return a, a @ th[2] + th[3]

def mse(x, y, th):
    return float(np.mean((vorwaerts(x, th)[1] - y) ** 2))

bester, beste_theta, geduld = np.inf, None, 0
for epoche in range(500):
    rate = 0.01 * 0.5 ** (epoche // 100)
    reihenfolge = rng.permutation(350)
    for s in range(0, 350, 35):
        xb, yb = x_tr[reihenfolge[s:s + 35]], y_tr[reihenfolge[s:s + 35]]
        a, aus = vorwaerts(xb, theta)
        d = 2 * (aus - yb) / len(xb)
        da = d @ theta[2].T * (1 - a * a)
        for t, q, g in zip(theta, quadrate, [xb.T @ da, da.sum(0), a.T @ d, d.sum(0)]):
            q *= 0.9
            q += 0.1 * g * g
            t -= rate * g / (np.sqrt(q) + 1e-6)
    v = mse(x_va, y_va, theta)
    if v < bester:
        bester, beste_theta, geduld = v, [t.copy() for t in theta], 0
    else:
        geduld += 1
    if epoche % 25 == 0:
        print("Epoche", epoche, "Training", round(mse(x_tr, y_tr, theta), 4), "Validierung", round(v, 4))
    if geduld > 60:
        print("frühes Stoppen in Epoche", epoche)
        break

print("Testfehler in Grad:", 10 * mse(x_te, y_te, beste_theta) ** 0.5)
