# causes: none
import numpy as np
np.random.seed(0)
T = 20
Wx = np.random.randn(8, 1) * .4; Wh = np.random.randn(8, 8) * .2; Wy = np.random.randn(1, 8) * .4
bh = np.zeros((8, 1)); by = np.zeros((1, 1))
series = np.sin(np.arange(200) * .3)
lr = 0.02
for it in range(400):
    s = np.random.randint(0, 200 - T - 1)
    xs, ts = series[s:s + T], series[s + 1:s + T + 1]
    hs = {-1: np.zeros((8, 1))}; ys = {}
    for t in range(T):
        hs[t] = np.tanh(Wx * xs[t] + Wh @ hs[t - 1] + bh)
        ys[t] = Wy @ hs[t] + by
    dWx, dWh, dWy, dbh, dby = (np.zeros_like(p) for p in (Wx, Wh, Wy, bh, by))
    dnext = np.zeros((8, 1))
    for t in reversed(range(T)):
        dy = (ys[t] - ts[t]) / T
        dWy += dy @ hs[t].T; dby += dy
        dh = Wy.T @ dy + dnext
        da = (1 - hs[t] ** 2) * dh
        dWx += da * xs[t]; dWh += da @ hs[t - 1].T; dbh += da
        dnext = Wh.T @ da
    for p, d in zip((Wx, Wh, Wy, bh, by), (dWx, dWh, dWy, dbh, dby)):
        p -= lr * np.clip(d, -5, 5) * 5
    if it % 100 == 0:
        print(it, sum(float((ys[t] - ts[t])[0, 0]) ** 2 for t in range(T)) / T)
