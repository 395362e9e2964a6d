# causes: too-few-units
import numpy as np
rng = np.random.default_rng(1)
# points inside a circle or outside
X = rng.uniform(-1, 1, (200, 2))
y = (X[:,0]**2 + X[:,1]**2 < 0.4).astype(float).reshape(-1,1)
w = rng.normal(0, 0.1, (2,1)); b = np.zeros((1,1))
def forward(X, w, b): return 1/(1+np.exp(-(X@w+b)))
losses=[]
for epoch in range(2000):
    p = forward(X,w,b)
    losses.append(-np.mean(y*np.log(p)+(1-y)*np.log(1-p)))
    dz = (p-y)/len(X)
    w -= 1.0*X.T@dz
    b -= 1.0*dz.sum(0,keepdims=True)
print(losses[0], losses[-1], ((p>.5)==y).mean())
