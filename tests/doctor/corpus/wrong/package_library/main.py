# causes: bias-axis|parameter-grew|parameter-has-batch-shape
import numpy as np
import minilib as ml
from minilib.layers import Linear, Tanh

rng = np.random.default_rng(0)
x = rng.normal(size=(90, 3))
t = x @ np.array([[1.0], [2.0], [-1.0]]) + 0.5
model = ml.Sequential(Linear(3, 8), Tanh(), Linear(8, 1))
opt = ml.SGD(model, 0.05)
for epoch in range(300):
    pred = model.forward(x)
    loss, grad = ml.mse(pred, t)
    model.backward(grad)
    opt.step()
print(loss)
