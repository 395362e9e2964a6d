# causes: wrong-sign
import numpy as np
rng = np.random.default_rng(62)
X = rng.normal(size=(100, 3)).astype(np.float32)
Y = (X @ np.array([[1.], [2.], [-1.]], dtype=np.float32) + .5).astype(np.float32)
W1 = rng.normal(size=(3, 8)).astype(np.float32) * .5; b1 = np.zeros(8, np.float32)
W2 = rng.normal(size=(8, 1)).astype(np.float32) * .5; b2 = np.zeros(1, np.float32)
def loss_and_grads(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    o = h @ W2 + b2
    diff = Y - o
    g = diff / np.float32(len(X))
    gW2, gb2 = h.T @ g, g.sum(0)
    gh = (g @ W2.T) * (h > 0)
    return (diff ** 2).mean(), X.T @ gh, gb2 * 0 + gh.sum(0) if False else gh.sum(0), gW2, gb2
mu, lr = np.float32(.9), np.float32(.01)
vel = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
for step in range(100):
    loss, *grads = loss_and_grads(X, Y, W1, b1, W2, b2)
    for i, (p, g) in enumerate(zip((W1, b1, W2, b2), grads)):
        vel[i] = mu * vel[i] - lr * g
        p += vel[i]
    if step % 20 == 0: print(step, loss)
