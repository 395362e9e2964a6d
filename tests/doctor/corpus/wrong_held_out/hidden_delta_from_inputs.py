# causes: missing-derivative|wrong-operand
# online backprop, weights as (out, in), samples as rows of a list
import numpy as np

rs = np.random.RandomState(8)
samples = [(rs.rand(3), None) for _ in range(60)]
samples = [(x, np.array([float(x[0] > x[1]), float(x[2] > 0.5)])) for x, _ in samples]

w_hidden = rs.uniform(-1, 1, (4, 3))
w_output = rs.uniform(-1, 1, (2, 4))
b_hidden = np.zeros(4)
b_output = np.zeros(2)

def f(x): return 1 / (1 + np.exp(-x))

for epoch in range(200):
    sse = 0
    for x, t in samples:
        h = f(w_hidden.dot(x) + b_hidden)
        o = f(w_output.dot(h) + b_output)
        e = t - o
        sse += np.sum(e ** 2)
        delta_o = e * o * (1 - o)
        delta_h = w_output.T.dot(e) * h * (1 - h)
        w_output += 0.5 * np.outer(delta_o, h)
        b_output += 0.5 * delta_o
        w_hidden += 0.5 * np.outer(delta_h, x)
        b_hidden += 0.5 * delta_h
    if epoch % 20 == 0:
        print(epoch, sse)
