# causes: none
import numpy as np

# tiny batches + dropout: the loss printed per batch jumps around a lot
rng = np.random.default_rng(404)

n_classes, n_feat = 4, 20
mu = rng.normal(0, 1.0, (n_classes, n_feat))
lab = rng.integers(0, n_classes, 1200)
dat = mu[lab] + rng.normal(0, 1.2, (1200, n_feat))
tr, te = np.arange(1000), np.arange(1000, 1200)

p = {'W1': rng.normal(0, np.sqrt(2 / n_feat), (n_feat, 64)), 'b1': np.zeros(64),
     'W2': rng.normal(0, np.sqrt(2 / 64), (64, n_classes)), 'b2': np.zeros(n_classes)}
velocity = {k: np.zeros_like(v) for k, v in p.items()}
KEEP, LR, MOM, L2, BATCH = 0.7, 0.005, 0.9, 1e-3, 8


def predict(x):
    return (np.maximum(x @ p['W1'] + p['b1'], 0) @ p['W2'] + p['b2']).argmax(1)


def train_step(x, y):
    pre = x @ p['W1'] + p['b1']
    mask = (rng.random(pre.shape) < KEEP) / KEEP
    hid = np.maximum(pre, 0) * mask
    logit = hid @ p['W2'] + p['b2']
    logit -= logit.max(1, keepdims=True)
    prob = np.exp(logit) / np.exp(logit).sum(1, keepdims=True)
    loss = -np.log(prob[np.arange(len(y)), y]).mean()
    prob[np.arange(len(y)), y] -= 1
    prob /= len(y)
    dpre = prob @ p['W2'].T * mask * (pre > 0)
    g = {'W1': x.T @ dpre + L2 * p['W1'], 'b1': dpre.sum(0),
         'W2': hid.T @ prob + L2 * p['W2'], 'b2': prob.sum(0)}
    for k in p:
        velocity[k] = MOM * velocity[k] + g[k]
        p[k] -= LR * velocity[k]
    return loss


step = 0
for epoch in range(15):
    rng.shuffle(tr)
    for s in range(0, 1000, BATCH):
        loss = train_step(dat[tr[s:s + BATCH]], lab[tr[s:s + BATCH]])
        if step % 125 == 0:
            print(f"step {step:5d} batch loss {loss:.3f} test acc {np.mean(predict(dat[te]) == lab[te]):.3f}")
        step += 1
print("final test accuracy", np.mean(predict(dat[te]) == lab[te]))
