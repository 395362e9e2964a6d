# causes: wrong-operand
import numpy as np

np.random.seed(3)


def act(z):
    return 1.0 / (1.0 + np.exp(-z))


def one_pair(x, t, A, B, speed):
    column = x.reshape(-1, 1)
    inner = act(A @ column)
    guess = act(B @ inner)
    gap = guess - t
    grad_top = gap * guess * (1 - guess)
    blame = B.T @ grad_top
    grad_low = grad_top * inner * (1 - inner)
    B -= speed * grad_top @ inner.T
    A -= speed * grad_low @ column.T
    return float(gap[0, 0] ** 2)


table = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
answers = [0, 1, 1, 0]
A = np.random.randn(4, 3)
B = np.random.randn(1, 4)
for turn in range(4000):
    loss = sum(one_pair(x, t, A, B, 0.5) for x, t in zip(table, answers))
    if turn % 500 == 0:
        print(turn, loss)
