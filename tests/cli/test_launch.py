"""`launch` where it cannot start ranks: what it says, and that nothing has been started."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

import pytest
from command_line import Command

from tinygrad_bp.cli import launch
from tinygrad_bp.parallel import Ranks, places


@pytest.fixture
def command(capsys, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("started")

    monkeypatch.setattr(launch.subprocess, "Popen", refuse)
    return Command(capsys)


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text("1 / 0\n")
    return path


def missing(_name):
    raise PackageNotFoundError


@pytest.mark.parametrize(
    ("name", "value"),
    [("files", missing), ("files", lambda _: None), ("find_spec", lambda _: None)],
)
def test_without_mpi_it_names_the_extra(command, script, monkeypatch, name, value):
    monkeypatch.setattr(launch, name, value)
    code, out, err = command("launch", "-n", 2, script)
    assert (code, out) == (2, "")
    assert "pip install 'tinygrad-bp[mpi]'" in err


@pytest.mark.parametrize("number", ["0", "-1", "two", "1.5"])
def test_it_needs_a_rank_or_more(command, script, number):
    code, _, err = command("launch", "-n", number, script)
    assert code == 2
    assert f"{number!r} is not an integer of 1 or more" in err


def test_it_needs_the_number_of_ranks(command, script):
    code, _, err = command("launch", script)
    assert code == 2
    assert "-n" in err


def test_a_script_that_is_not_there_is_named(command, tmp_path):
    code, _, err = command("launch", "-n", 1, tmp_path / "none.py")
    assert code == 2
    assert "none.py: no such script" in err


def test_what_follows_the_script_is_its_own(script, capsys, monkeypatch):
    started = []

    class Started:
        def __init__(self, arguments, **options):
            started.append((arguments, options["env"]))

        def wait(self):
            return 7

    monkeypatch.setattr(launch.subprocess, "Popen", Started)
    monkeypatch.setattr(launch, "_starter", lambda: "mpiexec")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert Command(capsys)("launch", "-n", 3, script, "-n", "x", "--help").code == 7
    ((arguments, environment),) = started
    assert arguments[:3] == ["mpiexec", "-n", "3"]
    assert arguments[-4:] == [str(script), "-n", "x", "--help"]
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["OPENBLAS_NUM_THREADS"] == "1"


def test_ranks_without_mpi_name_the_extra(monkeypatch):
    monkeypatch.setitem(launch.sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad-bp\[mpi\]'"):
        Ranks()


def test_a_place_is_written_where_someone_watches(monkeypatch):
    monkeypatch.setattr(places, "_shared", None)
    places.write("nowhere")
    assert places.read() == ""
    places.share()
    for place in ("epoch 3, step 17", "é" * 100, "step 1"):
        places.write(place)
        assert places.read().rstrip("\ufffd") == place[:32]
