"""The training loop: `fit`, what can be hooked into it, and files of models and of trainings."""

from __future__ import annotations

from tinygrad_bp.deferred import deferred
from tinygrad_bp.training.checkpoints import Checkpoint
from tinygrad_bp.training.fitting import fit
from tinygrad_bp.training.history import History
from tinygrad_bp.training.live import Live
from tinygrad_bp.training.loop import Loop
from tinygrad_bp.training.observing import Observe
from tinygrad_bp.training.probe import Probe
from tinygrad_bp.training.stopping import EarlyStopping

__all__ = ["Checkpoint", "EarlyStopping", "History", "Live", "Loop", "Observe", "Probe", "fit"]

__getattr__, __dir__ = deferred(__name__, {})  # for the names that people know from elsewhere
del deferred
