# causes: none
import numpy as np
# noisy linear: 70 percent right is all there is
rng = np.random.default_rng(1)
X = rng.normal(size=(300, 3)); y = (X @ np.array([1.,-1,.5]) + 2.5*rng.normal(size=300) > 0).astype(float)
w = np.zeros(3); b = 0.0
for epoch in range(500):
    p = 1/(1+np.exp(-(X@w+b)))
    w -= 0.1*X.T@(p-y)/300; b -= 0.1*(p-y).mean()
print(((p>.5)==y).mean())
