# causes: none
import numpy as np

def schedule(base, drop, every):
    def lr(epoch):
        return base * drop ** (epoch // every)
    return lr

def build(seed):
    rng = np.random.default_rng(seed)
    return {"W1": rng.normal(0, 1, (1, 16)), "b1": rng.normal(0, 1, 16), "W2": rng.normal(0, .25, (16, 1)), "b2": np.zeros(1)}

def loss_grad(p, x, y):
    h = np.tanh(x @ p["W1"] + p["b1"])
    e = h @ p["W2"] + p["b2"] - y
    g = 2 * e / len(x)
    gh = g @ p["W2"].T * (1 - h ** 2)
    return (e ** 2).mean(), {"W1": x.T @ gh, "b1": gh.sum(0), "W2": h.T @ g, "b2": g.sum(0)}

x = np.linspace(-2, 2, 100).reshape(-1, 1)
y = np.sin(3 * x) * 0.5 + x ** 2 * 0.2
lr = schedule(0.1, 0.5, 1000)
params = build(3)
for epoch in range(3000):
    loss, grads = loss_grad(params, x, y)
    params = {k: v - lr(epoch) * grads[k] for k, v in params.items()}
    if epoch % 300 == 0:
        print(epoch, lr(epoch), loss)
