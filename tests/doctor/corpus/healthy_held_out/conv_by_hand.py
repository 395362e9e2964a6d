# causes: none
import numpy as np
rng = np.random.default_rng(5)
N, L, F, K = 200, 12, 4, 3
X = rng.normal(size=(N, L)); t = np.zeros(N, int)
for i in range(N):
    if i % 2:
        s = rng.integers(0, L - 3); X[i, s:s + 3] += [2, -2, 2]; t[i] = 1
Wc = rng.normal(0, .5, (F, K)); bc = np.zeros(F); Wo = rng.normal(0, .3, (F, 2)); bo = np.zeros(2)
win = np.lib.stride_tricks.sliding_window_view(X, K, axis=1)
for e in range(400):
    z = np.tensordot(win, Wc, axes=(2, 1)) + bc
    r = np.maximum(z, 0); j = r.argmax(1); pool = r.max(1)
    s = pool @ Wo + bo; p = np.exp(s - s.max(1, keepdims=True)); p /= p.sum(1, keepdims=True)
    d = p.copy(); d[np.arange(N), t] -= 1; d /= N
    dp = d @ Wo.T
    dz = np.zeros_like(z); np.put_along_axis(dz, j[:, None, :], dp[:, None, :], 1); dz *= z > 0
    Wo -= .5 * pool.T @ d; bo -= .5 * d.sum(0)
    Wc -= .5 * np.tensordot(dz, win, axes=([0, 1], [0, 1])); bc -= .5 * dz.sum((0, 1))
    if e % 50 == 0: print(e, (p.argmax(1) == t).mean())
