# causes: missing-derivative
import numpy as np


def make_network(seed):
    rng = np.random.default_rng(seed)
    theta = {"U": rng.normal(0, 0.8, (4, 9)), "u": np.zeros((1, 9)), "V": rng.normal(0, 0.5, (9, 1)), "v": np.zeros((1, 1))}

    def forward(x):
        h = 1.0 / (1.0 + np.exp(-(np.matmul(x, theta["U"]) + theta["u"])))
        return h, np.matmul(h, theta["V"]) + theta["v"]

    def learn(x, t, eta):
        h, o = forward(x)
        e = o - t
        n = x.shape[0]
        back = np.matmul(e, theta["V"].T)
        theta["V"] = theta["V"] - eta * np.matmul(h.T, e) / n
        theta["v"] = theta["v"] - eta * e.mean(axis=0, keepdims=True)
        theta["U"] = theta["U"] - eta * np.matmul(x.T, back) / n
        theta["u"] = theta["u"] - eta * back.mean(axis=0, keepdims=True)
        return float((e**2).mean())

    return learn


rng = np.random.default_rng(100)
x = rng.normal(size=(90, 4))
t = np.cos(x[:, :1]) * x[:, 1:2]
learn = make_network(5)
for round_number in range(700):
    mse = learn(x, t, 0.2)
    if round_number % 100 == 0:
        print(round_number, mse)
