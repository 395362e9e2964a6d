# causes: none
import numpy as np

def stream(rng, batch):
    while True:
        x = rng.uniform(-3, 3, (batch, 1))
        yield x, np.exp(-x ** 2) + 0.02 * rng.normal(size=x.shape)

class Model:
    def __init__(self, rng, hidden=24):
        self.params = [rng.normal(0, 1, (1, hidden)), rng.normal(0, 1, hidden), rng.normal(0, 1 / np.sqrt(hidden), (hidden, 1)), np.zeros(1)]
        self.velocity = [np.zeros_like(p) for p in self.params]

    def loss_and_grads(self, x, y):
        W1, b1, W2, b2 = self.params
        h = np.tanh(x @ W1 + b1)
        e = h @ W2 + b2 - y
        de = 2 * e / e.size
        dz = de @ W2.T * (1 - np.square(h))
        return float(np.mean(e * e)), [x.T @ dz, dz.sum(0), h.T @ de, de.sum(0)]

    def step(self, grads, lr=0.02, mu=0.9):
        for p, v, g in zip(self.params, self.velocity, grads):
            v *= mu
            v -= lr * g
            p += v

rng = np.random.default_rng(0)
model = Model(rng)
for i, (x, y) in enumerate(stream(rng, 32)):
    loss, grads = model.loss_and_grads(x, y)
    model.step(grads)
    if i % 200 == 0:
        print(i, loss)
    if i == 1200:
        break
