# causes: none
import numpy as np

np.random.seed(55)

def relu(z):
    return np.maximum(0.0, z)

def softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)

p = {'W1': np.random.randn(10, 40) * np.sqrt(2 / 10), 'b1': np.zeros(40),
     'W2': np.random.randn(40, 3) * np.sqrt(2 / 40), 'b2': np.zeros(3)}
cache = {k: np.zeros_like(v) for k, v in p.items()}
keep = 0.6

def step(x, t, training=True):
    h = relu(x @ p['W1'] + p['b1'])
    mask = (np.random.rand(*h.shape) < keep) / keep if training else np.ones_like(h)
    hd = h * mask
    out = softmax(hd @ p['W2'] + p['b2'])
    loss = -np.mean(np.log(out[np.arange(len(t)), t] + 1e-12))
    if not training:
        return loss, out
    d2 = out.copy()
    d2[np.arange(len(t)), t] -= 1
    d2 /= len(t)
    d1 = (d2 @ p['W2'].T) * mask * (h > 0)
    g = {'W2': hd.T @ d2, 'b2': d2.sum(0), 'W1': x.T @ d1, 'b1': d1.sum(0)}
    for k in p:
        cache[k] = 0.9 * cache[k] + 0.1 * g[k] ** 2
        p[k] -= 0.003 * g[k] / (np.sqrt(cache[k]) + 1e-8)
    return loss, out

n = 600
X = np.random.randn(n, 10)
t = np.digitize(X[:, 0] * 1.5 + np.abs(X[:, 1]) - X[:, 2], [0.0, 1.5])
Xtr, ttr, Xva, tva = X[:450], t[:450], X[450:], t[450:]
for epoch in range(60):
    order = np.random.permutation(len(Xtr))
    losses = []
    for s in range(0, len(Xtr), 32):
        b = order[s:s + 32]
        losses.append(step(Xtr[b], ttr[b])[0])
    if epoch % 10 == 0:
        val_loss, val_out = step(Xva, tva, training=False)
        print('epoch %d train %.3f (with dropout) val %.3f' % (epoch, np.mean(losses), val_loss))
val_loss, val_out = step(Xva, tva, training=False)
print('val loss', val_loss, 'val acc', np.mean(val_out.argmax(1) == tva))
