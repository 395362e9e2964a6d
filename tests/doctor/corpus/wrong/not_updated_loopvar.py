# causes: not-updated
import numpy as np
rng = np.random.default_rng(5)
x = rng.uniform(-1, 1, (100, 3))
y = (x.sum(axis=1, keepdims=True) > 0) * 1.0
weights = [rng.normal(size=(3, 6)), rng.normal(size=(6, 1))]
biases = [np.zeros((1, 6)), np.zeros((1, 1))]

def forward(x):
    acts = [x]
    for w, b in zip(weights, biases):
        acts.append(1 / (1 + np.exp(-(acts[-1] @ w + b))))
    return acts

for epoch in range(400):
    acts = forward(x)
    delta = (acts[-1] - y) / len(x)
    gw, gb = [None, None], [None, None]
    for l in (1, 0):
        gw[l] = acts[l].T @ delta
        gb[l] = delta.sum(axis=0, keepdims=True)
        if l:
            delta = (delta @ weights[l].T) * acts[l] * (1 - acts[l])
    for w, g in zip(weights, gw):
        w = w - 1.0 * g
    for i in range(2):
        biases[i] = biases[i] - 1.0 * gb[i]
    if epoch % 100 == 0:
        print(epoch, np.abs(acts[-1] - y).mean())
