# causes: wrong-operand
import numpy as np

rng = np.random.default_rng(21)


class Stack:
    def __init__(self, *sizes):
        self.mats = [rng.normal(0, np.sqrt(1 / a), (a, b)) for a, b in zip(sizes, sizes[1:])]

    def run(self, rows):
        self.outs = [rows]
        for mat in self.mats:
            self.outs.append(np.tanh(self.outs[-1] @ mat))
        return self.outs[-1]

    def teach(self, rows, goals, pace):
        err = self.run(rows) - goals
        grads = []
        for level in reversed(range(len(self.mats))):
            err = err * (1 - self.outs[level + 1] ** 2)
            grads.append(self.outs[level + 1].T @ err / len(rows))
            err = err @ self.mats[level].T
        for mat, grad in zip(self.mats, reversed(grads)):
            mat -= pace * grad


rows = rng.normal(size=(150, 5))
goals = np.tanh(rows @ rng.normal(size=(5, 5)))
stack = Stack(5, 5, 5)
for epoch in range(400):
    stack.teach(rows, goals, 0.3)
    if epoch % 80 == 0:
        print(epoch, np.mean((stack.run(rows) - goals) ** 2))
