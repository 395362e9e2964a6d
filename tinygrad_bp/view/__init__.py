"""Pictures of computation graphs: `graph` takes one, a `GraphView` holds it, renderers draw it."""

from __future__ import annotations

from tinygrad_bp.elsewhere.attributes import OF_VIEW, answer
from tinygrad_bp.view.explorer.training_frames import Frame, TrainingFrames
from tinygrad_bp.view.formats.dot import RenderError
from tinygrad_bp.view.graph_view import GraphView, graph
from tinygrad_bp.view.picture.folding import GraphTooLargeError
from tinygrad_bp.view.picture.records import CheckView, EdgeView, NodeView, Section, Statistics

__all__ = [
    "CheckView",
    "EdgeView",
    "Frame",
    "GraphTooLargeError",
    "GraphView",
    "NodeView",
    "RenderError",
    "Section",
    "Statistics",
    "TrainingFrames",
    "graph",
]

answer(GraphView, OF_VIEW)
del OF_VIEW, answer
