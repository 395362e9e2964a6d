# causes: missing-derivative
import numpy as np
from network import Network
from data import load

X, y = load(160, seed=3)
net = Network([2, 6, 6, 1], seed=1)
for epoch in range(500):
    out = net.forward(X)
    loss = np.mean((out - y) ** 2)
    net.backward(y)
    net.update(0.5)
    if epoch % 100 == 0:
        print(epoch, loss)
