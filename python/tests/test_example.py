"""The example, run for real on the bundled sample."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_ten_lines_do_the_whole_job(tmp_path):
    os.symlink(ROOT / "data", tmp_path / "data")
    example = (ROOT / "examples" / "python" / "whole_job.py").read_text(encoding="utf-8")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in ("model", "model-repaired"):
        assert (tmp_path / name / "model.json").is_file()
    assert "<recant.Training>" in done.stdout and "<recant.Repair>" in done.stdout and "predicted" in done.stdout


def test_the_readme_shows_the_same_lines():
    example = (ROOT / "examples" / "python" / "whole_job.py").read_text(encoding="utf-8")
    lines = [line for line in example.splitlines() if line and not line.startswith('"""')]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"## From Python.*?```python\n(.*?)```", readme, re.S).group(1).splitlines()
    assert [line for line in shown if line] == lines
    assert len(lines) <= 12
