"""Why a run does not learn: a script, a loop of one's own, or a model is watched and judged.

>>> import numpy as np, tinygrad_bp as tg
>>> labels, outputs = np.zeros(4), np.zeros((4, 1))
>>> with tg.doctor.watch() as watched:
...     watched.epoch(output=outputs, label=labels)
>>> [finding.name for finding in watched.diagnosis.findings]
['label-broadcast', 'constant-labels']
"""

from __future__ import annotations

from tinygrad_bp.doctor.findings.diagnosis import Diagnosis, Finding
from tinygrad_bp.doctor.models import diagnose
from tinygrad_bp.doctor.scripts import diagnose_script
from tinygrad_bp.doctor.watching import watch

__all__ = ["Diagnosis", "Finding", "diagnose", "diagnose_script", "watch"]
