# causes: wrong-operand
import numpy as np

rng = np.random.default_rng(10)
# fake house prices: size, rooms, age, distance
N = 256
size = rng.uniform(40, 200, N)
rooms = np.round(size / 30 + rng.normal(0, 0.5, N))
age = rng.uniform(0, 60, N)
dist = rng.uniform(1, 30, N)
price = 2.5 * size + 10 * rooms - 1.2 * age - 3 * dist + 50 + rng.normal(0, 10, N)
X = np.column_stack([size, rooms, age, dist])
X = (X - X.mean(0)) / X.std(0)
y = ((price - price.mean()) / price.std()).reshape(-1, 1)

H = 4
w_ih = rng.normal(0, 0.5, (4, H))
b_h = np.zeros(H)
w_hh = rng.normal(0, 0.5, (H, H))
b_hh = np.zeros(H)
w_ho = rng.normal(0, 0.5, (H, 1))
b_o = np.zeros(1)
lr, batch = 0.05, 32

for epoch in range(60):
    order = rng.permutation(N)
    total = 0
    for s in range(0, N, batch):
        idx = order[s : s + batch]
        xb, yb = X[idx], y[idx]
        h1 = np.tanh(xb @ w_ih + b_h)
        h2 = np.tanh(h1 @ w_hh + b_hh)
        pred = h2 @ w_ho + b_o
        diff = pred - yb
        total += (diff ** 2).sum()
        g = 2 * diff / len(xb)
        g2 = (g @ w_ho.T) * (1 - h2 ** 2)
        g1 = (g2 @ w_hh) * (1 - h1 ** 2)  # back through the second layer
        w_ho -= lr * h2.T @ g
        b_o -= lr * g.sum(0)
        w_hh -= lr * h1.T @ g2
        b_hh -= lr * g2.sum(0)
        w_ih -= lr * xb.T @ g1
        b_h -= lr * g1.sum(0)
    if epoch % 10 == 0:
        print("epoch", epoch, "mse", total / N)
