# causes: never-reset
import numpy as np
from mynet import Net, train
rng = np.random.default_rng(4)
X = rng.normal(size=(60, 2)); y = (X[:, :1] > 0).astype(float)
train(Net(), X, y, 50)
