"""Long work shows how far it is, can be stopped, and leaves the interpreter to others."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

import recant
from conftest import WHAT
from recant._progress import Terminal

LONG = {**WHAT, "network": "3x250", "epochs": 3000, "recipe": "paper", "batch": 32}


def test_a_function_is_told_stage_and_steps(orders_csv, tmp_path):
    told = []

    def stop(stage, done, steps):
        told.append((stage, done, steps))
        if len(told) == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        recant.train(orders_csv, tmp_path / "model", progress=stop, **LONG)
    assert all(isinstance(stage, str) and 0 <= done and 0 <= steps for stage, done, steps in told)
    assert not (tmp_path / "model").exists()


def test_other_threads_run_meanwhile(orders_csv, tmp_path):
    ticks, seen, over = [0], [], threading.Event()

    def tick():
        while not over.is_set():
            ticks[0] += 1

    def progress(*_):
        seen.append(ticks[0])
        if len(seen) == 4:
            raise RuntimeError("enough")

    other = threading.Thread(target=tick)
    other.start()
    try:
        with pytest.raises(RuntimeError):
            recant.train(orders_csv, tmp_path / "model", progress=progress, **LONG)
    finally:
        over.set()
        other.join()
    assert seen == sorted(set(seen)), "the other thread stood still"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_control_c_stops_the_work_and_leaves_nothing(orders_csv, tmp_path):
    program = f"""
        import recant
        begun = []
        def progress(*_):
            if not begun:
                begun.append(print("begun", flush=True))
        try:
            recant.train({orders_csv!r}, {str(tmp_path / "model")!r}, progress=progress, **{LONG!r})
        except KeyboardInterrupt:
            print("stopped", flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output == "stopped\n" and process.returncode == 0
    assert os.listdir(tmp_path) == []


def test_the_bar_is_one_line_that_goes_away(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    bar = Terminal()
    bar("training", 5, 20)
    bar.close()
    written = sys.stderr.getvalue()
    assert "training" in written and " 25 %" in written and "\n" not in written and written.endswith("\r\x1b[2K")
