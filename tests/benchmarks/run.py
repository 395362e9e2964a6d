"""Side-by-side benchmark of autograd engines on one CPU core.

  run.py [--peers a,b] [--work w1,w2] [--json FILE] [--markdown FILE]
  run.py --bars            measure what the bars need and judge; exit status 1 if any fails
  run.py --first           time to the first result, caches off, fresh processes
  run.py --sizes           import time and installed size of each package
  run.py --table FILE      the table of an earlier --json FILE; with --bars, its verdicts

Each peer works in its own process, so a crash costs one cell. All peers must agree with the
reference (numpy_hand in float64) before the rounds go A B C ..., B C ... A, ...
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import bars
import report
import runner
import sizes
import workloads
from process import PEERS, Settings

FIRST_WORKS = ("mlp2551-n100", "train-loop")


def last_core():
    """The highest core we may use: interrupts tend to go to the lowest."""
    return str(max(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "-"


def parser():
    ap = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = ap.add_argument
    add("--peers", metavar="A,B", help="default: every file in peers/; with --bars its five")
    add("--work", metavar="A,B", help="default: all of " + ", ".join(workloads.WORK))
    add("--json", type=Path, metavar="FILE", help="write everything measured")
    add("--markdown", type=Path, metavar="FILE", help="write tables, versions, machine, spread")
    add("--rounds", type=int, default=5)
    add("--min-time", type=float, default=0.2, help="seconds a round lasts at least")
    add("--limit", type=float, default=150, help="seconds any one request to a peer may take")
    add("--cpu", default=last_core(), help="core all peers are pinned to; - for none")
    add("--python", action="append", default=[], metavar="PEER=INTERPRETER")
    add("--env", action="append", default=[], metavar="NAME=VALUE", help="for the peers' processes")
    add("--peers-dir", type=Path, metavar="DIR", help="a folder of further peers")
    add("--bars", action="store_true", help="judge tinygrad_bp against its bars")
    add("--first", action="store_true", help="time to the first result instead")
    add("--repeat", type=int, default=3, help="processes per cell of --first")
    add("--sizes", action="store_true", help="import times and installed sizes instead")
    add("--table", type=Path, metavar="FILE", help="print an earlier --json; measures nothing")
    add("--chart", type=Path, metavar="FILE", help="draw the first row as an SVG file")
    add("--best", action="store_true", help="print the fastest round instead of the median one")
    add("-v", "--verbose", type=int, default=0, help="lines of a failing peer's stderr to show")
    return ap


def names(text, have, what, ap):
    """A comma-separated option as a list of known names; None when it was not given."""
    if text is None:
        return None
    given = text.split(",")
    for name in given:
        if name not in have:
            ap.error(f"no {what} {name}; there are {', '.join(have)}")
    return given


def pairs(options, ap):
    for option in options:
        if "=" not in option:
            ap.error(f"{option!r} should read NAME=VALUE")
    return dict(option.split("=", 1) for option in options)


def settings_of(args, ap):
    return Settings(
        rounds=args.rounds,
        min_time=args.min_time,
        limit=args.limit,
        cpu=args.cpu,
        python=pairs(args.python, ap),
        env=pairs(args.env, ap),
        folders=(args.peers_dir.resolve(), PEERS) if args.peers_dir else (PEERS,),
        verbose=args.verbose,
    )


def measure(works, peers_of, settings, keep):
    """Measure row after row, with `keep` after each: a long run that is cut loses one row."""
    how = {"rounds": settings.rounds, "min_time": settings.min_time, "cpu": settings.cpu}
    run = {"machine": report.machine(), "settings": how, "result": {}}
    for name in works:
        start = time.monotonic()
        run["result"][name] = runner.run_work(name, peers_of(name), settings)
        print(f"[{name}: {time.monotonic() - start:.0f} s]", file=sys.stderr, flush=True)
        keep(run)
    return run


def show(run, args, peers=None):
    """Print a run; return the exit status."""
    print(report.machine_line(run["machine"]), end="\n\n")
    print(report.times(run["result"], peers, "best" if args.best else "time"))
    if absent := report.missing(run["result"]):
        print("", absent, sep="\n")
    failed = False
    if args.bars:
        works = args.work.split(",") if args.work else None
        verdicts = bars.judge(run, works, peers or bars.PEERS)
        failed = not all(v.passed for v in verdicts)
        run = {**run, "bars": bars.table(verdicts, run.get("imports"))}
        print("", run["bars"], sep="\n")
    if args.chart:
        from chart import bars as drawn  # needs Matplotlib

        work = args.work.split(",")[0] if args.work else next(iter(run["result"]))
        args.chart.write_text(drawn(work, run["result"][work]), encoding="utf-8")
    if args.markdown:
        args.markdown.write_text(report.document(run, peers), encoding="utf-8")
    return int(failed)


def main(argv=None):
    ap = parser()
    args = ap.parse_args(argv)
    if args.table:
        run = json.loads(args.table.read_text(encoding="utf-8"))
        return show(run, args, args.peers.split(",") if args.peers else None)
    settings = settings_of(args, ap)
    have = runner.available(settings.folders)
    works = names(args.work, workloads.WORK, "workload", ap)
    peers = asked = names(args.peers, have, "peer", ap)
    if peers is None:
        peers = list(bars.PEERS) if args.bars else have

    def keep(run):
        if args.json:
            args.json.write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")

    if args.sizes:
        result, text = sizes.sizes(args.cpu)
    elif args.first:
        works = works or FIRST_WORKS
        result = runner.first_results(peers, works, settings, args.repeat)
        text = report.first(result, works)
    else:
        by_name = asked is not None and works is not None

        def peers_of(name):
            return peers if by_name else runner.takes_part(name, peers)

        run = measure(works or workloads.WORK, peers_of, settings, keep)
        if args.bars and works is None:
            run["imports"] = bars.measure_imports(args.cpu)
            keep(run)
        return show(run, args, asked)
    print(text)
    keep({"machine": report.machine(), "result": result})
    return 0


if __name__ == "__main__":
    sys.exit(main())
