"""The wheel puts the program on the path."""

import os
import shutil
import subprocess
import sys

import recant


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


def test_the_program_and_the_module_are_of_one_version():
    program = shutil.which("recant", path=os.path.dirname(sys.executable))
    assert program, "recant is not beside this Python"
    assert run(program, "--version").stdout == f"recant {recant.__version__}\n"
    assert run(sys.executable, "-m", "recant", "--version").stdout == f"recant {recant.__version__}\n"


def test_exit_codes_and_records_are_those_of_the_program(orders_csv, tmp_path):
    missing = run(sys.executable, "-m", "recant", "inspect", str(tmp_path / "missing.csv"))
    assert missing.returncode == 2 and "no such file" in missing.stderr
    assert run(sys.executable, "-m", "recant", "trian").returncode == 2
    words = ["train", orders_csv, "--label", "outcome", "--out", str(tmp_path / "model"), "--epochs", "2", "--quiet"]
    assert run(sys.executable, "-m", "recant", *words).returncode == 0
    command = recant.Model(tmp_path / "model").info["data"]["file"]
    assert command == "orders.csv"
    text = (tmp_path / "model" / "training.json").read_text(encoding="utf-8")
    assert "recant train orders.csv --label outcome" in text
