# causes: none
import numpy as np
rng = np.random.default_rng(10)
area = rng.uniform(50, 200, 80); price = 3000 * area + 50000 + rng.normal(0, 15000, 80)
xm, xs, ym, ys = area.mean(), area.std(), price.mean(), price.std()
x, y = (area - xm) / xs, (price - ym) / ys
w = b = 0.
for i in range(200):
    e = w * x + b - y
    w, b = w - .1 * (e * x).mean() * 2, b - .1 * e.mean() * 2
print("price =", w * ys / xs, "* area +", ym - w * ys / xs * xm + b * ys)
