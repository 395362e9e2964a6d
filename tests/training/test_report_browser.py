"""The training report in a real browser: its numbers, keys, pointer and sizes, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pytest
from browsing import PATIENCE, serious_faults

import tinygrad_bp as tg
from tinygrad_bp import nn, optim, training
from tinygrad_bp.training.report import page as page_of
from tinygrad_bp.training.report.findings import gradient, ratio
from tinygrad_bp.view.picture.labels import number_text

TABLE = tg.data.moons(80, seed=0)
HOSTILE = "</script><img src=x onerror=alert(1)>"


def trained(activation=nn.Tanh, rate=0.1, **options):
    rng = np.random.default_rng(0)
    first, middle = nn.Linear(2, 8, rng=rng), nn.Linear(8, 8, rng=rng)
    net = nn.Sequential(first, activation(), middle, activation(), nn.Linear(8, 1, rng=rng))
    return training.fit(
        net, nn.bce_with_logits, (TABLE.X, TABLE.y[:, None]), optim.Adam(net.parameters(), rate),
        epochs=160, validation=0.25, rng=0, progress=False,
        callbacks=[training.Observe(), training.EarlyStopping(30)], **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def healthy():
    metrics = {HOSTILE: lambda z, y: np.mean((z > 0) == (y == 1))}
    return trained(metrics=metrics)


@pytest.fixture(scope="module")
def faulty():
    return trained(nn.ReLU, 3.0)


SHOWN = """() => [document.getElementById("status").textContent,
    [...document.querySelectorAll("#layers tbody tr")].map((row) =>
        [...row.querySelectorAll("td")].map((td) => td.textContent))]"""


def report(history):
    return history.report(title=HOSTILE, classes=[HOSTILE, "lower"])


def frames(history):
    return history.observed.frames


def test_every_frame_shows_the_numbers_of_the_engine(opened, healthy):
    page = opened(report(healthy))
    layers = healthy.observed.layers
    page.keyboard.press("Home")
    for frame in frames(healthy):
        status, rows = page.evaluate(SHOWN)
        for layer, told in zip(layers, rows, strict=True):
            expected = [gradient(frame, layer), ratio(frame, layer)]
            for text, value in zip(told, expected, strict=False):
                if np.isnan(value):
                    assert text == "–"
                else:  # five digits in the page, of which four are shown
                    assert float(text) == pytest.approx(float(number_text(value)), rel=2e-3)
        if frame.epoch:
            loss = number_text(healthy["loss"][frame.epoch - 1])
            found = re.search(r"^epoch (\d+)[^:]*: loss (\S+),", status.lower())
            assert int(found[1]) == frame.epoch
            assert float(found[2]) == pytest.approx(float(loss), rel=2e-3)
        else:
            assert status.startswith("the start: loss")
        page.keyboard.press("ArrowRight")
    assert page.is_disabled("#next")


def epoch_of(page):
    return int(re.search(r"epoch (\d+)", page.inner_text("#moment-title"))[1])


def test_it_opens_at_the_kept_epoch_and_the_keys_lead_elsewhere(opened, healthy):
    page = opened(report(healthy))
    assert epoch_of(page) == healthy.kept
    assert "(kept)" in page.inner_text("#status")
    assert f"kept: {healthy.kept}" in page.locator("#timeline").text_content()
    seen = [one.epoch for one in frames(healthy)]
    images = set()
    for key, epoch in (("End", seen[-1]), ("ArrowLeft", seen[-2]), ("k", healthy.kept)):
        page.keyboard.press(key)
        assert epoch_of(page) == epoch
        images.add(page.evaluate("() => document.querySelector('canvas').toDataURL()"))
    page.keyboard.press("Home")
    images.add(page.evaluate("() => document.querySelector('canvas').toDataURL()"))
    assert len(images) >= 3
    assert page.inner_text("#moment-title") == "At the start"
    assert page.is_disabled("#back")
    for button, epoch in {"last": seen[-1], "back": seen[-2], "next": seen[-1]}.items():
        page.click(f"#{button}")
        assert epoch_of(page) == epoch
    page.focus("#frame")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert epoch_of(page) == seen[1]


def test_a_click_into_a_chart_leads_to_its_epoch(opened, healthy):
    page = opened(report(healthy))
    chart = page.locator("#timeline svg[role=img] >> nth=0")
    width = chart.bounding_box()["width"]
    chart.click(position={"x": width - 5, "y": 40})
    assert epoch_of(page) == healthy.epochs
    page.uncheck("#log")
    chart.click(position={"x": 136 + (width - 150) / 2, "y": 40})
    assert abs(epoch_of(page) - healthy.epochs / 2) < 4


PLAYED = """() => {
    const [title, play] = ["moment-title", "play"].map((id) => document.getElementById(id));
    window.played = [];
    new MutationObserver(() => window.played.push([title.textContent, play.ariaPressed]))
        .observe(title, { childList: true });
}"""


def test_it_plays_from_the_start_to_the_end(opened, healthy):
    page = opened(report(healthy))
    page.keyboard.press("End")
    page.evaluate(PLAYED)  # every frame is written down: how late we look does not matter
    page.keyboard.press(" ")
    page.wait_for_function("() => window.played.length > 3")
    page.keyboard.press("ArrowLeft")
    assert page.get_attribute("#play", "aria-pressed") == "false"
    seen = [f"At epoch {one.epoch}" for one in frames(healthy)]
    expected = [[title, "true"] for title in ("At the start", *seen[1:4])]
    assert page.evaluate("() => window.played.slice(0, 4)") == expected
    for key in ("End", "ArrowLeft", "ArrowLeft", " "):
        page.keyboard.press(key)
    page.wait_for_function(
        "(last) => window.played.at(-1)[0] === last"
        " && document.getElementById('play').ariaPressed === 'false'",
        arg=seen[-1],
    )


def test_the_maps_have_a_cell_for_each_layer_and_frame(opened, healthy):
    page = opened(report(healthy))
    count = len(frames(healthy))
    cells = {kind: page.locator(f".{kind} .cell").count() for kind in ("gradient", "ratio", "flat")}
    late = sum(np.isnan(one.steps[0]) for one in frames(healthy))
    assert cells == {"gradient": 3 * count, "ratio": 3 * (count - late), "flat": 2 * count}
    first = page.locator(".gradient .cell >> nth=0").bounding_box()
    last = page.locator(f".gradient .cell >> nth={count - 1}").bounding_box()
    frame = page.locator(".gradient .frame >> nth=0").bounding_box()
    assert abs(first["x"] - frame["x"]) < 1.5
    assert abs(last["x"] + last["width"] - frame["x"] - frame["width"]) < 1.5


def test_findings_lead_to_their_epochs(opened, faulty):
    page = opened(report(faulty))
    buttons = page.locator("#findings button")
    assert buttons.count() == page.locator("#findings li").count() > 0
    first = int(buttons.first.get_attribute("data-epoch"))
    buttons.first.click()
    title = page.inner_text("#moment-title")
    assert title == (f"At epoch {first}" if first else "At the start")
    assert page.locator("#timeline .pin").count() == buttons.count()


def test_hostile_names_are_inert(opened, healthy):
    page = opened(report(healthy))
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    assert page.inner_text("h1") == HOSTILE
    assert HOSTILE in page.inner_text("#plane-legend")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_serious(opened, healthy, faulty, scheme, width):
    for history in (healthy, faulty):
        page = opened(report(history), width=width, height=800, color_scheme=scheme)
        assert serious_faults(page) == []


def test_nothing_sticks_out_at_360_pixels(opened, healthy, faulty):
    plain = training.History()
    plain.append({"loss": 0.5})
    for history in (healthy, faulty, plain):
        page = opened(history.report(), width=360, height=700)
        assert page.evaluate("() => document.documentElement.scrollWidth") == 360
        page.set_viewport_size({"width": 1000, "height": 700})
        page.set_viewport_size({"width": 360, "height": 700})
        page.wait_for_function("() => document.documentElement.scrollWidth === 360")


def test_what_was_not_observed_has_its_curves(opened):
    plain = training.History()
    for loss in (0.5, np.nan, 0.25, -0.1):
        plain.append({"loss": loss, "validation_loss": 2 * loss})
    page = opened(plain.report())
    assert page.is_hidden("#moment")
    assert page.locator("#timeline .curve >> nth=-1").get_attribute("d").count("M") == 2
    page.keyboard.press("Home")
    assert page.inner_text("#status") == "epoch 1: loss 0.5, validation loss 1"


def test_without_javascript_there_are_findings_and_a_table(opened, faulty):
    page = opened(report(faulty), java_script_enabled=False)
    assert page.is_hidden("#report")
    assert page.is_visible("noscript table")
    assert page.is_visible("#findings li")
    assert page.locator("#findings button:visible").count() == 0


def test_a_live_page_loads_itself_anew_until_the_training_ends(opened, healthy):
    def text(running, again):
        return page_of(
            healthy, None, kept=None, stopped=None, title="live", running=running, again=again
        )

    from playwright.sync_api import expect  # there: it has opened a browser

    page = opened(text("Epoch 1 of 3", 1))
    path = Path(url2pathname(urlsplit(page.url).path))
    assert page.locator("#lead").text_content() == "Epoch 1 of 3"
    path.write_text(text("Epoch 2 of 3", 1), encoding="utf-8")
    expect(page.locator("#lead")).to_have_text("Epoch 2 of 3", timeout=PATIENCE)
    path.write_text(text("", 0), encoding="utf-8")
    expect(page.locator("#lead")).to_contain_text("epochs;", timeout=PATIENCE)
    assert page.locator("meta[http-equiv=refresh]").count() == 0
    assert page.locator("#timeline svg").count() > 0
