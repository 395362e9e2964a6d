# causes: sample-to-the-end
import numpy as np
class NN:
    def __init__(self):
        r = np.random.RandomState(46)
        self.wih = r.uniform(-1, 1, (3, 2)); self.bh = np.zeros((3, 1))
        self.who = r.uniform(-1, 1, (1, 3)); self.bo = np.zeros((1, 1))
    def act(self, v): return 1 / (1 + np.exp(-v))
    def train(self, inp, tgt):
        x = np.array(inp, ndmin=2).T; t = np.array(tgt, ndmin=2).T
        h = self.act(self.wih @ x + self.bh)
        o = self.act(self.who @ h + self.bo)
        eo = (t - o) * o * (1 - o)
        eh = self.who.T @ eo * h * (1 - h)
        self.who += .5 * eo @ h.T; self.bo += .5 * eo
        self.wih += .5 * eh @ x.T; self.bh += .5 * eh
        return o
nn = NN()
for inp, tgt in [([0, 0], [0]), ([0, 1], [1]), ([1, 0], [1]), ([1, 1], [1])]:
    for _ in range(2000):
        nn.train(inp, tgt)
for q in ([0, 0], [0, 1], [1, 0], [1, 1]):
    v = nn.act(nn.who @ nn.act(nn.wih @ np.array(q, ndmin=2).T + nn.bh) + nn.bo)
    print(q, v)
