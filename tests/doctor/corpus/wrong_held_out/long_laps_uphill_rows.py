# causes: wrong-sign
import numpy as np

rs = np.random.RandomState(4)
features = rs.normal(size=(500, 6))
classes = (features[:, :3] @ rs.normal(size=(3, 3))).argmax(axis=1)
wanted = np.zeros((500, 3))
wanted[np.arange(500), classes] = 1


def shares(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def fit(features, wanted, laps, rate):
    lower = rs.uniform(-0.5, 0.5, (16, 6))
    upper = rs.uniform(-0.5, 0.5, (3, 16))
    for lap in range(laps):
        surprise = 0.0
        for row, goal in zip(features, wanted):
            mid = np.tanh(lower.dot(row))
            out = shares(upper.dot(mid))
            surprise -= np.log(out[goal == 1][0] + 1e-12)
            slope = -goal / out
            top = out * (slope - np.sum(slope * out))
            for k in range(16):
                change = np.sum(top * upper[:, k]) * (1 - mid[k] ** 2)
                lower[k] = lower[k] - rate * change * row
            for j in range(3):
                for k in range(16):
                    upper[j, k] = upper[j, k] + rate * top[j] * mid[k]
        print(lap, surprise / len(features))
    return lower, upper


fit(features, wanted, 4, 0.03)
