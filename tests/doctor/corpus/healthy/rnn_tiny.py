# causes: none
import numpy as np
rng = np.random.default_rng(19)
seqs = rng.integers(0, 2, (60, 5)).astype(float)
targets = (seqs.sum(1) > 2).astype(float)[:, None]
H = 8
Wx = rng.normal(0, .5, (1, H)); Wh = rng.normal(0, .3, (H, H)); bh = np.zeros((1, H)); Wo = rng.normal(0, .5, (H, 1)); bo = np.zeros((1, 1))
for epoch in range(300):
    hs = [np.zeros((60, H))]
    for t in range(5):
        hs.append(np.tanh(seqs[:, t:t+1] @ Wx + hs[-1] @ Wh + bh))
    p = 1 / (1 + np.exp(-(hs[-1] @ Wo + bo)))
    d = (p - targets) / 60
    gWo, gbo = hs[-1].T @ d, d.sum(0, keepdims=True)
    gWx, gWh, gbh = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(bh)
    dh = d @ Wo.T
    for t in reversed(range(5)):
        dz = dh * (1 - hs[t + 1] ** 2)
        gWx += seqs[:, t:t+1].T @ dz; gWh += hs[t].T @ dz; gbh += dz.sum(0, keepdims=True)
        dh = dz @ Wh.T
    for P, G in ((Wx, gWx), (Wh, gWh), (bh, gbh), (Wo, gWo), (bo, gbo)):
        P -= .5 * G
    if epoch % 100 == 0: print(epoch, ((p > .5) == targets).mean())
