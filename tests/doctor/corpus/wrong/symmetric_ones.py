# causes: symmetric-init
import numpy as np
X = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
Y = np.array([[0.], [1.], [1.], [0.]])

def init(shape):
    return np.full(shape, 0.5)

model = {'hidden': {'W': init((2, 4)), 'b': init((4,))}, 'out': {'W': init((4, 1)), 'b': init((1,))}}
for step in range(2000):
    h = np.tanh(X @ model['hidden']['W'] + model['hidden']['b'])
    o = 1 / (1 + np.exp(-(h @ model['out']['W'] + model['out']['b'])))
    do = (o - Y) / 4
    dh = (do @ model['out']['W'].T) * (1 - h ** 2)
    model['out']['W'] -= h.T @ do
    model['out']['b'] -= do.sum(0)
    model['hidden']['W'] -= X.T @ dh
    model['hidden']['b'] -= dh.sum(0)
print(o.round(3))
