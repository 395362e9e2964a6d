# causes: none
import numpy as np
from nets.mlp import MLP

rng = np.random.default_rng(4)
X = rng.normal(size=(200, 2)); y = (X[:, :1] > X[:, 1:]).astype(float)
mlp = MLP(2, 6, 1, seed=2)
for epoch in range(400):
    mlp.train_step(X, y, lr=0.8)
print(np.mean((mlp.predict(X) > .5) == y))
