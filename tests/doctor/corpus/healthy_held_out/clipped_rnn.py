# causes: none
import numpy as np

rng = np.random.default_rng(0)
text = "hello world hello there hello world "
chars = sorted(set(text))
ix = {c: i for i, c in enumerate(chars)}
V, H, T = len(chars), 24, 12
Wxh = rng.normal(0, 0.1, (H, V)); Whh = rng.normal(0, 0.1, (H, H)); Why = rng.normal(0, 0.1, (V, H))
bh = np.zeros((H, 1)); by = np.zeros((V, 1))
mem = [np.zeros_like(q) for q in (Wxh, Whh, Why, bh, by)]

def loss_and_grads(inputs, targets, h):
    xs, hs, ps = {}, {-1: h}, {}
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((V, 1)); xs[t][inputs[t]] = 1
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        y = Why @ hs[t] + by
        ps[t] = np.exp(y - y.max()) / np.sum(np.exp(y - y.max()))
        loss += -np.log(ps[t][targets[t], 0])
    gs = [np.zeros_like(q) for q in (Wxh, Whh, Why, bh, by)]
    nxt = np.zeros_like(h)
    for t in reversed(range(len(inputs))):
        dy = ps[t].copy(); dy[targets[t]] -= 1
        gs[2] += dy @ hs[t].T; gs[4] += dy
        dh = Why.T @ dy + nxt
        raw = (1 - hs[t] ** 2) * dh
        gs[3] += raw; gs[0] += raw @ xs[t].T; gs[1] += raw @ hs[t - 1].T
        nxt = Whh.T @ raw
    for g in gs:
        np.clip(g, -5, 5, out=g)
    return loss, gs, hs[len(inputs) - 1]

h = np.zeros((H, 1)); p = 0
smooth = -np.log(1 / V) * T
for n in range(600):
    if p + T + 1 >= len(text):
        h = np.zeros((H, 1)); p = 0
    inp = [ix[c] for c in text[p:p + T]]
    tgt = [ix[c] for c in text[p + 1:p + T + 1]]
    loss, gs, h = loss_and_grads(inp, tgt, h)
    smooth = 0.99 * smooth + 0.01 * loss
    if n % 100 == 0:
        print(n, smooth)
    for q, g, m in zip((Wxh, Whh, Why, bh, by), gs, mem):
        m += g * g
        q += -0.1 * g / np.sqrt(m + 1e-8)
    p += T
