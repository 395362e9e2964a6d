"""The benchmark's machinery, on NumPy alone: nothing here depends on how long anything takes."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent
MODULES = ("bars", "process", "report", "run", "runner", "sizes", "worker", "workloads")
QUICK = ("--rounds", "1", "--min-time", "0.001", "--limit", "300", "--cpu", "-")
PLANTED = """
def mlp2551(d):
    def step():
        pass

    step.result = lambda: {"loss": 0.5, "params": d.params}
    return step

def chain(d):
    raise RecursionError("too deep")
"""


@pytest.fixture
def bench(monkeypatch):
    """The modules of tests/benchmarks by name, gone from the import system afterwards."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield import_module
    for name in [m for m in sys.modules if m in MODULES or m.startswith("bench_peers")]:
        del sys.modules[name]


@pytest.fixture
def planted(tmp_path):
    """A folder with a peer whose steps change nothing."""
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "planted.py").write_text(PLANTED)
    (folder / "absent_package.py").write_text("import no_such_package_anywhere\n")
    return folder


def synthetic(bench, ours=1e-6, theirs=10e-6):
    """A complete run in which every cell has been timed."""
    bars, workloads = bench("bars"), bench("workloads")

    def cell(t):
        return {"status": "", "rounds": [t], "time": t, "best": t, "spread": 0.0, "version": "1"}

    result = {
        name: {p: cell(ours if p in (bars.OURS, bars.COMPILED) else theirs) for p in bars.PEERS}
        for name in workloads.WORK
    }
    return {
        "machine": bench("report").machine(),
        "settings": {"rounds": 1, "min_time": 0.2, "cpu": "-"},
        "result": result,
        "imports": {"numpy": 0.1, "tinygrad_bp": 0.12},
    }


def test_a_small_run_end_to_end(bench, tmp_path, capsys):
    out, page = tmp_path / "run.json", tmp_path / "run.md"
    command = ["--peers", "numpy_hand", "--work", "mlp2551-n4", *QUICK]
    assert bench("run").main([*command, "--json", str(out), "--markdown", str(page)]) == 0
    cell = json.loads(out.read_text())["result"]["mlp2551-n4"]["numpy_hand"]
    assert cell["status"] == ""
    assert len(cell["rounds"]) == 1
    assert cell["time"] > 0
    printed = capsys.readouterr().out
    assert "| mlp2551-n4 |" in printed
    assert "(1.00x)" in printed
    written = page.read_text()
    assert f"numpy_hand {cell['version']}" in written
    assert "Spread" in written
    assert str(Path.home()) not in written


def test_a_wrong_peer_is_reported_and_not_timed(bench, planted, tmp_path, capsys):
    out = tmp_path / "run.json"
    command = ["--peers", "numpy_hand,planted,absent_package", "--work", "mlp2551-n4,chain-0d"]
    bench("run").main([*command, *QUICK, "--peers-dir", str(planted), "--json", str(out)])
    result = json.loads(out.read_text())["result"]
    wrong, broken = (result[work]["planted"] for work in ("mlp2551-n4", "chain-0d"))
    assert wrong["status"] == "wrong"
    assert wrong["rounds"] == broken["rounds"] == []
    assert "time" not in wrong
    assert broken["why"] == "RecursionError: too deep"
    assert result["chain-0d"]["absent_package"]["status"] == "absent"
    printed = capsys.readouterr().out
    assert "WRONG" in printed
    assert "RecursionError" in printed
    assert "| absent_package" not in printed
    assert "Not installed: absent_package." in printed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.pop("loss"), "no loss"),
        (lambda r: r.update(loss=r["loss"] + 1e-6), "loss: off by"),
        (lambda r: r.update(loss=r["loss"].reshape(1)), "loss: shape"),
        (lambda r: r.update(loss=r["loss"] * float("nan")), "loss: off by"),
        (lambda r: r.update(params0=r["params0"] * (1 + 1e-7)), "params0: off by"),
    ],
)
def test_disagreement_names_what_differs(bench, change, said):
    runner, worker, workloads = bench("runner"), bench("worker"), bench("workloads")
    d = workloads.data("mlp2551-n100")
    unit = worker.load_peer("numpy_hand", [BENCHMARKS / "peers"]).mlp2551(d)
    unit()
    reference = worker.arrays(unit.result())
    got = {key: value.copy() for key, value in reference.items()}
    assert runner.disagreement("mlp2551-n100", got, reference) == ""
    change(got)
    assert runner.disagreement("mlp2551-n100", got, reference).startswith(said)


def test_every_peer_file_parses_and_answers_known_workloads(bench):
    known = {w.function for w in bench("workloads").WORK.values()}
    assert "tinygrad_bp" in bench("runner").available([BENCHMARKS / "peers"])
    for name in bench("runner").ORDER:
        source = (BENCHMARKS / "peers" / f"{name}.py").read_text()
        compile(source, name, "exec")
        assert any(f in source for f in known), name


def test_bars_pass_when_ours_is_fast(bench):
    verdicts = bench("bars").judge(synthetic(bench))
    assert verdicts
    assert all(v.passed for v in verdicts)
    judged = {(v.work, v.bar.against) for v in verdicts}
    assert {("mlp2551-n4", "torch_eager"), ("mlp2551-n4", "numpy_hand")} <= judged
    assert {("train-loop", "mygrad_eager"), ("import", "numpy")} <= judged
    assert ("million", "hips_autograd") not in judged


def test_a_bar_is_inclusive_and_a_strict_bar_is_not(bench):
    bars, run = bench("bars"), synthetic(bench, ours=1e-6, theirs=1e-6)
    passed = {(v.work, v.bar.against): v.passed for v in bars.judge(run)}
    assert passed["wide", "torch_eager"]
    assert not passed["wide", "hips_autograd"]
    assert not passed["million", "torch_eager"]
    assert not passed["hvp", "torch_eager"]


def test_what_was_not_measured_fails(bench):
    bars, run = bench("bars"), synthetic(bench)
    del run["result"]["deep"], run["imports"]["numpy"]
    run["result"]["wide"]["tinygrad_bp"] = {"status": "wrong", "why": "gx: off", "rounds": []}
    del run["result"]["mlp784"]["hips_autograd"]
    failed = {(v.work, v.bar.against) for v in bars.judge(run) if not v.passed}
    assert ("deep", "torch_eager") in failed
    assert ("wide", "torch_eager") in failed
    assert ("mlp784", "hips_autograd") in failed
    assert ("import", "numpy") in failed
    assert "tinygrad_bp: WRONG" in bars.table(bars.judge(run))


def test_a_rival_without_a_time_is_no_bar(bench):
    bars, run = bench("bars"), synthetic(bench)
    run["result"]["hvp"]["mygrad_eager"] = {"status": "none", "why": "", "rounds": []}
    judged = {(v.work, v.bar.against) for v in bars.judge(run)}
    assert ("hvp", "mygrad_eager") not in judged
    assert ("hvp", "hips_autograd") in judged


@pytest.mark.parametrize(("ours", "status"), [(1e-6, 0), (50e-6, 1)])
def test_the_verdicts_of_a_file_are_the_exit_status(bench, tmp_path, capsys, ours, status):
    file = tmp_path / "run.json"
    file.write_text(json.dumps(synthetic(bench, ours)))
    assert bench("run").main(["--table", str(file), "--bars"]) == status
    assert ("FAIL" in capsys.readouterr().out) == bool(status)


def test_table_of_a_file(bench, tmp_path, capsys):
    file = tmp_path / "run.json"
    file.write_text(json.dumps(synthetic(bench, ours=2e-6)))
    assert bench("run").main(["--table", str(file), "--peers", "torch_eager,tinygrad_bp"]) == 0
    printed = capsys.readouterr().out
    assert "| workload | torch_eager | tinygrad_bp |" in printed
    assert "| chain-0d (per op) | 10 us (1.00x) | 2 us (0.20x) |" in printed
    assert "hips_autograd" not in printed


def test_a_workload_may_name_its_peers(bench):
    runner = bench("runner")
    assert runner.takes_part("million", ["numpy_hand", "jax_eager"]) == ["numpy_hand"]
    assert runner.takes_part("deep", ["numpy_hand", "jax_eager"]) == ["numpy_hand", "jax_eager"]


@pytest.mark.parametrize(
    "argument", [["--work", "nothing"], ["--peers", "nobody"], ["--env", "NAME"]]
)
def test_a_mistyped_option_is_an_error(bench, argument, capsys):
    with pytest.raises(SystemExit) as stop:
        bench("run").main(argument)
    assert stop.value.code == 2
    assert argument[1] in capsys.readouterr().err
