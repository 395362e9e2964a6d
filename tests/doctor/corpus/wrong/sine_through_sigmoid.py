# causes: target-out-of-range
import numpy as np
rs = np.random.RandomState(6)
xs = np.linspace(0, 2 * np.pi, 80)
ys = np.sin(xs)
hidden = 10
wi = rs.normal(0, 1, hidden)
bi = rs.normal(0, 1, hidden)
wo = rs.normal(0, 1, hidden)
bo = 0.0
sigma = lambda s: 1.0 / (1.0 + np.exp(-s))
for epoch in range(60):
    sse = 0.0
    for x, y in zip(xs, ys):
        hid = sigma(wi * x + bi)
        out = sigma(np.dot(wo, hid) + bo)
        e = out - y
        sse += e * e
        d_out = e * out * (1 - out)
        d_hid = d_out * wo * hid * (1 - hid)
        wo = wo - 0.5 * d_out * hid
        bo = bo - 0.5 * d_out
        wi = wi - 0.5 * d_hid * x
        bi = bi - 0.5 * d_hid
    if epoch % 10 == 0:
        print(epoch, sse / len(xs))
