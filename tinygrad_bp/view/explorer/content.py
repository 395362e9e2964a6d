"""What the explorer's page knows: a `Picture` and a training as one object for its script."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

from tinygrad_bp.formulas.printing import printable, shortened
from tinygrad_bp.view.explorer.training_frames import TrainingFrames
from tinygrad_bp.view.explorer.unfolding import Unfolded, key_of
from tinygrad_bp.view.formats.svg import outline
from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.labels import (
    number_text,
    repetition_text,
    samples_text,
    shape_text,
    statistics_text,
)
from tinygrad_bp.view.picture.records import EdgeView, NodeView, Numbers, Picture

SHOWN = 144  # elements of a matrix that the page holds: its first rows
LINKED = 600  # elements of the whole graph up to which the page traces each
ROUNDING = 1e-5  # relative; in float32 too
ICON_CENTRE, ICON = (11.0, 9.0), (20.0, 14.0)  # pixels of a legend's outlines
PROBABILITY_STEPS = 255  # a pixel's colour cannot tell more apart

PLACE = re.compile(r"\{(\w+)\}(ᵀ?)")


def content(pictures: Sequence[Unfolded], frames: TrainingFrames | None) -> dict[str, Any]:
    """Return everything that the page shows, as dicts, lists, texts and numbers."""
    first, *others = (
        _content(one.picture)
        | {"opened": [printable(key) for key in one.opened], "at": one.at}
        | {"blocks": {printable(key): number for key, number in one.blocks.items()}}
        for one in pictures
    )
    return first | {
        "unfolded": others,
        "training": None if frames is None else _training(frames),
    }


def _content(view: Picture) -> dict[str, Any]:
    """Return what the page shows of one picture."""
    arguments: dict[int, list[EdgeView]] = {}
    uses: dict[int, list[EdgeView]] = {}
    for edge in view.edges:
        arguments.setdefault(edge.target, []).append(edge)
        if view.nodes[edge.target].phase == "forward":  # what the walk reads adds nothing
            uses.setdefault(edge.source, []).append(edge)
    linked = sum(math.prod(node.shape) for node in view.nodes) <= LINKED
    partial = {place for place, of in uses.items() if _is_partial(view.nodes[place], of)}
    return {
        "notes": [printable(note) for note in view.notes],
        "nodes": [
            _node(view, node, arguments.get(node.id, []), linked=linked) for node in view.nodes
        ],
        "edges": [
            _edge(view, edge, arguments[edge.target], shared=edge.source in partial)
            for edge in view.edges
        ],
        "checks": {
            str(check.node): {"values": _first(check.differences), "error": check.error}
            for check in view.checks
        },
        "legend": legend({node.kind for node in view.nodes}),
    }


def legend(kinds: Container[str]) -> list[tuple[str, str, str]]:
    """Return for each of some kinds of nodes the word and the outline."""
    return [
        (kind, look.word, outline(look.shape, ICON_CENTRE, ICON))
        for kind, look in KINDS.items()
        if kind in kinds
    ]


def _node(
    view: Picture, node: NodeView, arguments: Sequence[EdgeView], *, linked: bool
) -> dict[str, Any]:
    found = {
        "id": node.id,
        "name": symbol(node),
        "d": cotangent_symbol(node),
        "op": shortened(node.op),
        "kind": node.kind,
        "given": KINDS[node.kind].is_source,
        "shape": list(node.shape),
        "size": math.prod(node.shape),
        "dtype": node.dtype,
        "value": _first(node.value),
        "ct": _first(node.cotangent),
        "statistics": statistics_text(node.statistics),
        "words": printable(node.words),
        "note": printable(node.note),
        "count": node.count,
        "times": node.times,
        "block": printable(key_of(node)),
        "over": {
            "value": samples_text(node.value_of),
            "ct": samples_text(node.cotangent_of, "sum over "),
        },
    }
    known = {edge.position for edge in arguments}
    missing = len(set(re.findall(r"\{(\d+)\}", node.formula))) - len(known)
    if node.formula and not missing and len(known) == len(arguments):
        names = {str(edge.position): view.nodes[edge.source] for edge in arguments}
        right = _filled(node.formula, names)
        found["formula"] = f"{symbol(node)} = {right}"
        found["shapes"] = _shapes(node.formula, names, node.shape)
        found["order"] = PLACE.findall(node.formula)
    elif arguments:
        inside = _listed(view, arguments)
        rest = ", …" if missing > 0 else ""
        found["formula"] = f"{symbol(node)} = {shortened(node.op)}({inside}{rest})"
    if linked and node.links is not None:
        found["links"] = node.links
        found["is_sum"] = node.is_sum
    return found


def _listed(view: Picture, arguments: Sequence[EdgeView]) -> str:
    """Return the arguments of a call; where repetitions read one from several places, all these."""
    found: dict[int, list[str]] = {}
    for edge in arguments:
        which = repetition_text(edge, view.nodes)
        told = symbol(view.nodes[edge.source]) + (f" ({which})" if which else "")
        found.setdefault(edge.position, []).append(told)
    return ", ".join(" or ".join(one) for one in found.values())


def _is_partial(node: NodeView, uses: Sequence[EdgeView]) -> bool:
    """Return whether one use alone does not make the gradient: another is drawn, or left out."""
    part = uses[0].contribution
    if len(uses) > 1 or part is None or node.cotangent is None:
        return len(uses) > 1
    pairs = zip(part, node.cotangent, strict=False)
    return any(abs(a - b) > ROUNDING * (abs(a) + abs(b)) for a, b in pairs)


def _edge(
    view: Picture, edge: EdgeView, beside: Sequence[EdgeView], *, shared: bool
) -> dict[str, Any]:
    """Return an edge with the formula of what it sends back: ``dW3 = a2ᵀ · dz3``, and its shapes.

    Where several uses of a value add up, each is written ``dx += ...``.
    """
    target, source = view.nodes[edge.target], view.nodes[edge.source]
    found: dict[str, Any] = {
        "s": edge.source,
        "t": edge.target,
        "p": edge.position,
        "arg": edge.argument or str(edge.position),
        "loop": edge.loop,
        "which": repetition_text(edge, view.nodes),
    }
    if edge.contribution is not None:
        found["part"] = _first(edge.contribution)
    if edge.position < len(target.pulls) and source.cotangent is not None:
        template = target.pulls[edge.position]
        places: dict[str, Any] = {str(one.position): view.nodes[one.source] for one in beside}
        places |= {"out": target, "ct": target}
        found["formula"] = (
            f"{cotangent_symbol(source)} {'+=' if shared else '='} {_filled(template, places)}"
        )
        found["order"] = PLACE.findall(template)
        found["shapes"] = _shapes(template, places, source.shape)
    return found


def symbol(node: NodeView) -> str:
    """Return what formulas call a node: its name, or its operation with its number."""
    if node.name:
        return shortened(node.name)
    if KINDS[node.kind].is_its_value and node.value is not None and len(node.value) == 1:
        return number_text(node.value[0])
    return f"{shortened(node.op)}#{node.id}"


def cotangent_symbol(node: NodeView) -> str:
    """Return what formulas call the gradient of the result by a node: ``dW3``."""
    name = symbol(node)
    return f"d{name}" if name.isalnum() else f"d({name})"


def _filled(template: str, nodes: Mapping[str, NodeView]) -> str:
    def name(place: re.Match[str]) -> str:
        node = nodes.get(place[1])
        if node is None:
            return "?"
        return (cotangent_symbol(node) if place[1] == "ct" else symbol(node)) + place[2]

    return PLACE.sub(name, template)


def _shapes(template: str, nodes: Mapping[str, NodeView], shape: Sequence[int]) -> str:
    """Return the formula again with shapes for the matrices: ``(5×4)(4×1) = 5×1``."""
    found = [(nodes[place], turned) for place, turned in PLACE.findall(template) if place in nodes]
    told = [
        shape_text(_turned(node.shape) if turned else node.shape) if node.shape else "1"
        for node, turned in found
    ]
    if not shape and all(not node.shape for node, _ in found):
        return ""
    result = shape_text(shape) if shape else "1"
    product = re.fullmatch(r"\{\w+\}ᵀ? · \{\w+\}ᵀ?( \+ \{\w+\})?", template)
    if product and all(node.shape for node, _ in found[:2]):
        bias = f" + {told[2]}" if len(told) > 2 else ""
        return f"({told[0]})({told[1]}){bias} = {result}"
    return f"{', '.join(dict.fromkeys(told))} → {result}" if told else ""


def _turned(shape: Sequence[int]) -> Sequence[int]:
    return shape[::-1] if len(shape) < 3 else (*shape[:-2], shape[-1], shape[-2])


def _first(values: Numbers | None) -> list[Any] | None:
    return None if values is None else list(values[:SHOWN])


def _training(frames: TrainingFrames) -> dict[str, Any]:
    return {
        "frames": [
            {
                "epoch": frame.epoch,
                "loss": frame.loss,
                "heldout": frame.heldout_loss,
                "parameters": {
                    printable(name): list(values[:SHOWN])
                    for name, values in frame.parameters.items()
                },
                "field": base64.b64encode(
                    bytes(round(PROBABILITY_STEPS * value) for value in frame.field)
                ).decode(),
            }
            for frame in frames.frames
        ],
        "shapes": {printable(name): list(shape) for name, shape in frames.shapes.items()},
        "points": [[float(f"{x:.5g}") for x in point] for point in frames.points],
        "labels": list(frames.labels),
        "bounds": list(frames.bounds),
        "side": frames.side,
        "features": [shortened(name) for name in frames.features],
        "classes": [shortened(name) for name in frames.classes],
    }
