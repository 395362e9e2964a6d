# causes: none
import numpy as np, tinygrad_bp as tg
from tinygrad_bp import nn, optim
rng=np.random.default_rng(2)
y=(rng.random(500)<0.06).astype(float)[:,None]; X=rng.normal(size=(500,3)); X[:,0]+=2.5*y[:,0]
net=nn.Sequential(nn.Linear(3,6,rng=0),nn.Tanh(),nn.Linear(6,1,rng=1)); o=optim.Adam(net.parameters(),0.02)
for e in range(100):
    o.zero_grad(); l=nn.bce_with_logits(net(X),y); l.backward(); o.step()
print(l.item())
