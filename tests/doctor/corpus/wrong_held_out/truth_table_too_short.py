# causes: too-few-steps|step-too-small
import numpy as np

rng = np.random.default_rng(2)
P = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
q = np.array([0.0, 1.0, 1.0, 0.0])
first, second = rng.uniform(-1, 1, (6, 3)), rng.uniform(-1, 1, 7)


def sigma(v):
    return 1 / (1 + np.exp(-v))


for _ in range(150):
    hidden = np.column_stack([sigma(P @ first.T), np.ones(4)])
    out = sigma(hidden @ second)
    delta = (out - q) * out * (1 - out)
    inner = np.outer(delta, second[:6]) * hidden[:, :6] * (1 - hidden[:, :6])
    second -= 0.5 * delta @ hidden
    first -= 0.5 * inner.T @ P
print(out.round(2))
