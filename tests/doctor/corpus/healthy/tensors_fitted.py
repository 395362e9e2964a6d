# causes: none
import numpy as np, tinygrad_bp as tg
from tinygrad_bp import nn, optim, training
rng=np.random.default_rng(0)
X=rng.normal(size=(300,4)); y=(X[:,0]+X[:,1]**2>1).astype(int)
net=nn.Sequential(nn.Linear(4,16,rng=0),nn.ReLU(),nn.Linear(16,2,rng=1))
h=training.fit(net,nn.cross_entropy,(X,y),optim.Adam(net.parameters(),0.01),epochs=40,rng=0,progress=False)
print(h["loss"][-1])
