# causes: symmetric-init
import numpy as np
import tinygrad_bp as tg

x = np.linspace(-2, 2, 60)[:, None]
target = np.abs(x) - 0.5 * x

w1 = tg.tensor(np.full((1, 10), 0.5), requires_grad=True)
b1 = tg.tensor(np.zeros(10), requires_grad=True)
w2 = tg.tensor(np.full((10, 1), 0.1), requires_grad=True)
b2 = tg.tensor(np.zeros(1), requires_grad=True)

for epoch in range(1500):
    hidden = np.tanh(x @ w1 + b1)
    out = hidden @ w2 + b2
    loss = np.mean((out - target) ** 2)
    loss.backward()
    with tg.no_grad():
        for p in (w1, b1, w2, b2):
            p -= 0.05 * p.grad
            p.zero_grad()
    if epoch % 150 == 0:
        print(epoch, loss.item())
print("final", loss.item())
