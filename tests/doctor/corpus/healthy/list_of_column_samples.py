# causes: none
import numpy as np
np.random.seed(7)
class Net:
    def __init__(self, sizes):
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x)/np.sqrt(x) for x, y in zip(sizes[:-1], sizes[1:])]
    def backprop(self, x, y):
        nb = [np.zeros(b.shape) for b in self.biases]; nw = [np.zeros(w.shape) for w in self.weights]
        act, acts, zs = x, [x], []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, act)+b; zs.append(z); act = 1/(1+np.exp(-z)); acts.append(act)
        delta = (acts[-1]-y); nb[-1] = delta; nw[-1] = np.dot(delta, acts[-2].T)
        for l in range(2, 3):
            sp = acts[-l]*(1-acts[-l])
            delta = np.dot(self.weights[-l+1].T, delta)*sp
            nb[-l] = delta; nw[-l] = np.dot(delta, acts[-l - 1].T)
        return nb, nw
    def sgd(self, data, epochs, eta):
        for j in range(epochs):
            for x, y in data:
                nb, nw = self.backprop(x, y)
                self.weights = [w-eta*g for w, g in zip(self.weights, nw)]
                self.biases = [b-eta*g for b, g in zip(self.biases, nb)]
net = Net([2, 4, 1])
data = [(np.random.randn(2, 1), None) for _ in range(50)]
data = [(x, np.array([[float(x[0, 0]*x[1, 0] > 0)]])) for x, _ in data]
net.sgd(data, 100, 0.5)
