"""Faults that are known and not mended yet: each is an expected failure with its reason."""

from __future__ import annotations

import pytest

KNOWN = {
    "test_format_of_several_elements_refuses_a_number_format": "format() falls back to repr",
    "test_every_declared_name_exists[__iadd__]": "augmented assignment rebinds by __add__",
    "test_every_declared_name_exists[__isub__]": "augmented assignment rebinds by __sub__",
    "test_every_declared_name_exists[__imul__]": "augmented assignment rebinds by __mul__",
    "test_every_declared_name_exists[__itruediv__]": "augmented assignment rebinds by __truediv__",
    "test_other_types_may_answer_an_operator": "operators raise where they should defer",
    "test_a_tracked_cotangent_is_differentiated": "vjp detaches a tracked cotangent",
    "test_a_recorded_gradient_makes_no_cycle": "create_graph into .grad makes a reference cycle",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for part, reason in KNOWN.items():
            if part in item.name:
                item.add_marker(pytest.mark.xfail(reason=reason, strict=False))
