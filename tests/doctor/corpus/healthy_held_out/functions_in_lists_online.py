# causes: none
import numpy as np
rs = np.random.RandomState(7)
X = rs.rand(80, 2); T = np.array([[a + b, a - b] for a, b in X]) / 2
layers = [{"w": rs.uniform(-.5, .5, (2, 6)), "b": np.zeros(6), "f": np.tanh, "df": lambda o: 1 - o ** 2},
          {"w": rs.uniform(-.5, .5, (6, 2)), "b": np.zeros(2), "f": lambda v: v, "df": lambda o: 1}]
def train_one(x, t, rate):
    o = x
    for l in layers:
        l["in"] = o; o = l["out"] = l["f"](o @ l["w"] + l["b"])
    e = o - t
    g = e
    for l in layers[::-1]:
        g = g * l["df"](l["out"]); back = l["w"] @ g
        l["w"] = l["w"] - rate * np.outer(l["in"], g); l["b"] = l["b"] - rate * g; g = back
    return e @ e
for epoch in range(60):
    print(epoch, sum(train_one(x, t, .1) for x, t in zip(X, T)) / 80)
