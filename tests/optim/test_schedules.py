"""Learning-rate schedules: closed forms, bounds, direction."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_bp as tg
from tinygrad_bp.optim import SGD, schedules

CLOSED = [
    (schedules.constant(0.1), {0: 0.1, 7: 0.1, 1e9: 0.1}),
    (schedules.step_decay(0.8, every=10), {0: 0.8, 9: 0.8, 9.99: 0.8, 10: 0.08, 25: 0.008}),
    (schedules.step_decay(0.8, every=2.5, factor=0.5), {2: 0.8, 2.5: 0.4, 5: 0.2, 10: 0.05}),
    (schedules.step_decay(0.8, every=1, factor=0), {0: 0.8, 1: 0.0}),
    (schedules.exponential(0.5, decay=0.9), {0: 0.5, 1: 0.45, 2: 0.405, 0.5: 0.5 * math.sqrt(0.9)}),
    (schedules.inverse_time(1.0), {0: 1.0, 1: 1 / 2, 2: 1 / 3, 99: 1 / 100}),
    (schedules.inverse_time(0.4, decay=0.01), {0: 0.4, 100: 0.2, 300: 0.1}),
    (schedules.linear(0.4, epochs=4), {0: 0.4, 1: 0.3, 2: 0.2, 4: 0.0, 5: 0.0}),
    (schedules.linear(0.4, epochs=4, floor=0.2), {0: 0.4, 2: 0.3, 4: 0.2, 1e9: 0.2}),
    (
        schedules.cosine(1.0, epochs=6),
        {0: 1.0, 1: (2 + math.sqrt(3)) / 4, 2: 3 / 4, 3: 1 / 2, 4: 1 / 4, 6: 0.0, 7: 0.0},
    ),
    (schedules.cosine(1.0, epochs=2, floor=0.5), {0: 1.0, 1: 0.75, 2: 0.5, 1e9: 0.5}),
    (
        schedules.warmup(schedules.exponential(0.8, decay=0.5), epochs=4),
        {0: 0.2, 1: 0.4, 2: 0.6, 3: 0.8, 4: 0.8, 5: 0.4, 6: 0.2},
    ),
    (schedules.warmup(schedules.constant(0.5), epochs=1), {0: 0.5, 1: 0.5}),
]


@pytest.mark.parametrize(("schedule", "rates"), CLOSED)
def test_rates_are_those_of_the_formula(schedule, rates):
    for epoch, rate in rates.items():
        assert schedule(epoch) == pytest.approx(rate, rel=1e-14, abs=1e-16)


RATES = st.just(0.0) | st.floats(min_value=1e-300, max_value=1e6)
LENGTHS = st.floats(min_value=1e-3, max_value=1e6)
SHARES = st.floats(min_value=0.0, max_value=1.0)
FALLING = st.one_of(
    st.builds(schedules.constant, RATES),
    st.builds(
        lambda lr, every, factor: schedules.step_decay(lr, every=every, factor=factor),
        RATES,
        LENGTHS,
        SHARES,
    ),
    st.builds(lambda lr, decay: schedules.exponential(lr, decay=decay), RATES, SHARES),
    st.builds(lambda lr, decay: schedules.inverse_time(lr, decay=decay), RATES, RATES),
    st.builds(
        lambda lr, epochs, share: schedules.linear(lr, epochs=epochs, floor=share * lr),
        RATES,
        LENGTHS,
        SHARES,
    ),
    st.builds(
        lambda lr, epochs, share: schedules.cosine(lr, epochs=epochs, floor=share * lr),
        RATES,
        LENGTHS,
        SHARES,
    ),
)
EPOCHS = st.lists(st.integers(0, 10**6), min_size=2, max_size=6).map(sorted)


@given(FALLING, EPOCHS)
def test_a_falling_schedule_starts_at_its_rate_and_only_falls(schedule, epochs):
    first = schedule(0)
    rates = [schedule(epoch) for epoch in epochs]
    assert all(0.0 <= rate <= first * (1 + 1e-15) for rate in rates)
    slack = 4 * np.finfo(float).eps * first  # each rate is rounded on its own
    assert all(later <= earlier + slack for earlier, later in pairwise(rates))


@given(RATES, LENGTHS, SHARES, st.floats(0.0, 1e6))
def test_floors_hold_and_ends_are_met(rate, epochs, share, epoch):
    floor = share * rate
    for kind in (schedules.linear, schedules.cosine):
        schedule = kind(rate, epochs=epochs, floor=floor)
        assert schedule(0) == rate == pytest.approx(schedule(0.0))
        assert schedule(epochs) == schedule(2 * epochs) == floor
        assert schedule(epoch) >= floor * (1 - 1e-15)


@given(FALLING, st.integers(1, 1000))
def test_warmup_grows_in_equal_steps_to_the_first_rate_and_then_hands_over(schedule, epochs):
    warm = schedules.warmup(schedule, epochs=epochs)
    first = schedule(0)
    rates = [warm(epoch) for epoch in range(epochs)]
    np.testing.assert_allclose(
        np.diff([0.0, *rates]), first / epochs, rtol=1e-9, atol=1e-12 * first
    )
    assert rates[-1] == first
    for epoch in (0, 1, 17):
        assert warm(epochs + epoch) == schedule(epoch)


def test_half_of_what_1_over_epoch_will_ever_spend_is_spent_at_once():
    # the sum of the first n rates is the harmonic number, about ln n + 0.5772
    rate = schedules.inverse_time(1.0)
    spent = np.cumsum([rate(epoch) for epoch in range(10_000)])
    assert spent[-1] == pytest.approx(math.log(10_000) + 0.5772156649 + 1 / 20_000, abs=1e-8)
    assert int(np.searchsorted(spent, spent[-1] / 2)) + 1 < 100


def test_an_optimizer_takes_its_rate_from_a_schedule():
    x = tg.tensor(1.0, requires_grad=True)
    optimizer = SGD([x], lr=0.0)
    schedule = schedules.step_decay(0.5, every=2)
    for epoch in range(4):
        optimizer.lr = schedule(epoch)
        x.grad = tg.tensor(1.0)
        optimizer.step()
    assert x.item() == pytest.approx(1.0 - 0.5 - 0.5 - 0.05 - 0.05)


BAD = [
    (schedules.constant, (-0.1,), {}, "constant: lr=-0.1"),
    (schedules.constant, (math.nan,), {}, "constant: lr=nan"),
    (schedules.constant, ("0.1",), {}, "constant: lr='0.1'"),
    (
        schedules.step_decay,
        (0.1,),
        {"every": 0},
        "step_decay: every=0; expected a finite number above",
    ),
    (schedules.step_decay, (0.1,), {"every": 1, "factor": -1}, "step_decay: factor=-1"),
    (schedules.exponential, (0.1,), {"decay": math.inf}, "exponential: decay=inf"),
    (schedules.inverse_time, (0.1,), {"decay": -1}, "inverse_time: decay=-1"),
    (schedules.linear, (0.1,), {"epochs": 0}, "linear: epochs=0"),
    (schedules.linear, (0.1,), {"epochs": 1, "floor": -1}, "linear: floor=-1"),
    (schedules.cosine, (math.inf,), {"epochs": 1}, "cosine: lr=inf"),
    (schedules.cosine, (0.1,), {"epochs": None}, "cosine: epochs=None"),
    (schedules.warmup, (schedules.constant(1),), {"epochs": 0}, "warmup: epochs=0"),
]


@pytest.mark.parametrize(
    ("kind", "args", "settings", "message"), BAD, ids=[message for *_, message in BAD]
)
def test_a_setting_out_of_its_range_is_named(kind, args, settings, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the message is compared below
        kind(*args, **settings)
    assert str(caught.value).startswith(message)
