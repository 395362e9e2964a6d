# causes: none
import numpy as np, tinygrad_bp as tg
from tinygrad_bp import nn, optim
rng=np.random.default_rng(2)
T,B=8,64
class M(nn.Module):
    def __init__(s): s.r=nn.GRU(1,12,rng=0); s.o=nn.Linear(12,1,rng=1)
    def forward(s,x):
        out,_=s.r(x); return s.o(out[:,-1])
m=M(); o=optim.Adam(m.parameters(),0.01)
for e in range(150):
    x=rng.normal(size=(B,T,1)); y=x.sum(axis=1)
    o.zero_grad(); l=nn.mse(m(x),y); l.backward(); o.step()
    if e%50==0: print(l.item())
