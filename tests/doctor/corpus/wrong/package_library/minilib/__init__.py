from .losses import mse
from .model import Sequential
from .optim import SGD
