from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from gpt2bot.errors import CheckpointError, ModelError
from gpt2bot.gpt2 import GPT2
from gpt2bot.gpt2.download.registry import find_model, installed_models
from gpt2bot.gpt2.formats.checkpoint import verify, write_model
from gpt2bot.gpt2.formats.layout import checkpoint_files, read_description
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.litert import build
from gpt2bot.gpt2.litert.artifacts import find_artifacts, places
from gpt2bot.gpt2.litert.build import compile_model, discard_checkpoint, verify_compiled
from gpt2bot.gpt2.litert.engine import LiteRTEngine
from gpt2bot.gpt2.litert.weight_cache import ensure_weight_cache
from gpt2bot.gpt2.training.config import TrainConfig
from gpt2bot.gpt2.training.train import train
from tests.fakes.restricted import ordinary_user
from tests.gpt2.conftest import random_weights

INT8 = "litert-1-int8"
PROMPTS = ["the quick brown fox", "dog"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path, compiled_folder):
    """A copy of a compiled model that a test may change."""
    return shutil.copytree(compiled_folder, tmp_path / "models" / "tiny")


def generate(folder, **options):
    return GPT2.load(folder, **options).generate(PROMPTS, length=12, seed=1)


def weight_cache(place):
    return next(place.glob("packed-*"))


COMPILE = """
import logging, sys
from pathlib import Path
from gpt2bot.gpt2.litert.build import compile_model
logging.basicConfig(level='INFO', format='%(message)s', stream=sys.stdout)
compile_model(Path(sys.argv[1]))
"""

# Stops for ever after the first layer, and says so.
STOP_AFTER_A_LAYER = """
import threading
from gpt2bot.gpt2.litert.accuracy import Accuracy
def stop(*_):
    print('a layer is written', flush=True)
    threading.Event().wait()
Accuracy.layer = stop
"""


def start_compiling(folder, *prefix, program=COMPILE):
    """Compiles a model in another process."""
    command = [*prefix, sys.executable, "-u", "-c", program, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_manifest_states_hparams_versions_and_accuracy(folder, hparams):
    manifest = json.loads((folder / INT8 / "manifest.json").read_text())
    assert HParams(**manifest["hparams"]) == hparams
    assert manifest["precision"] == "int8"
    assert manifest["versions"].keys() == {"gpt2bot", "tensorflow", "ai-edge-litert"}
    assert manifest["accuracy"]["positions"] > 100
    assert 0 < manifest["accuracy"]["mean_kl_divergence"] < 0.1
    exact = json.loads((folder / "litert-1-float32" / "manifest.json").read_text())["accuracy"]
    assert exact["mean_kl_divergence"] < 1e-6
    assert exact["top1_agreement"] == 1.0


def test_a_compiled_model_is_not_compiled_again(folder, monkeypatch, messages):
    monkeypatch.setattr(build, "_compile", None)
    messages.clear()
    assert compile_model(folder).folder == folder / INT8
    assert messages == []


def test_a_copy_with_other_file_times_is_intact_and_hashed_once(folder, messages):
    for path in (folder / INT8).glob("*.tflite"):
        os.utime(path, (1, 1))
    messages.clear()
    compile_model(folder)
    assert messages == []
    manifest = json.loads((folder / INT8 / "manifest.json").read_text())
    assert manifest["files"]["h0.tflite"]["mtime_ns"] == 10**9


@pytest.mark.parametrize("name", ["h1.tflite", "output0.tflite", "wte.npy", "manifest.json"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "missing"])
def test_a_damaged_compiled_model_is_compiled_again(folder, name, damage, messages):
    wanted, path = generate(folder), folder / INT8 / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.unlink()
    if damage != "missing":
        path.write_bytes(content if damage == "flipped" else content[:-100])
    messages.clear()
    assert generate(folder) == wanted
    assert "is damaged" in messages[0] or "is incomplete" in messages[0]
    assert messages[1] == "compiling tiny to int8: this is done once"
    assert find_artifacts(folder, read_description(folder)[0], "int8", strict=True)


@pytest.mark.parametrize("name", ["h1.packed", "output0.packed", "manifest.json"])
def test_a_damaged_weight_cache_is_written_again(folder, name, messages):
    wanted, path = generate(folder), weight_cache(folder / INT8) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    messages.clear()
    assert generate(folder) == wanted
    assert len(messages) == 1
    messages.clear()
    assert generate(folder) == wanted
    assert messages == []


def test_a_weight_cache_of_another_library_version_is_replaced(folder):
    wanted, ours = generate(folder), weight_cache(folder / INT8)
    other = ours.rename(ours.with_name("packed-1.0.0-0123abcd"))
    assert generate(folder) == wanted
    assert ours.exists()
    assert not other.exists()


def test_a_compiled_model_of_another_checkpoint_is_not_used(folder, hparams, tokenizer, messages):
    kept = folder.with_name("kept")
    shutil.copytree(folder / INT8, kept)
    write_model(folder, hparams, tokenizer, random_weights(hparams, seed=1))
    shutil.copytree(kept, folder / INT8)
    messages.clear()
    found = generate(folder)
    assert messages[0] == f"{folder / INT8} was made for another checkpoint: it is not used"
    shutil.rmtree(folder / INT8)
    assert generate(folder) == found


def test_a_killed_compilation_does_no_harm(folder):
    wanted = generate(folder)
    shutil.rmtree(folder / INT8)
    process = start_compiling(folder, program=STOP_AFTER_A_LAYER + COMPILE)
    assert "a layer is written\n" in iter(process.stdout.readline, "")
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    new = folder / f".{INT8}.new"
    assert (new / "h0.tflite").exists()
    assert not (folder / INT8).exists()
    assert generate(folder) == wanted
    assert not new.exists()


def test_two_processes_that_compile_at_once_compile_once(folder, messages):
    wanted = generate(folder)
    shutil.rmtree(folder / INT8)
    processes = [start_compiling(folder) for _ in range(2)]
    output = "".join(process.communicate()[0] for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert output.count("this is done once") == 1
    messages.clear()
    assert generate(folder) == wanted
    assert messages == []


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_model_in_a_read_only_folder_is_compiled_into_the_cache_folder(folder, cache):
    wanted = generate(folder)
    shutil.rmtree(folder / INT8)
    folder.chmod(0o555)
    try:
        for _ in range(2):
            process = start_compiling(folder, *ordinary_user())
            out, err = process.communicate()
            assert process.returncode == 0, err
    finally:
        folder.chmod(0o755)
    assert "done once" not in out
    (place,) = cache.rglob(INT8)
    assert place == places(folder, "int8")[1]
    assert not (folder / INT8).exists()
    assert generate(folder) == wanted


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_the_weight_cache_of_a_read_only_model_goes_into_the_cache_folder(folder, cache):
    generate(folder)
    place = folder / INT8
    shutil.rmtree(weight_cache(place))
    program = "import sys; from gpt2bot.gpt2 import GPT2; GPT2.load(sys.argv[1])"
    place.chmod(0o555)
    try:
        subprocess.run([*ordinary_user(), sys.executable, "-c", program, folder], check=True)
    finally:
        place.chmod(0o755)
    assert list(cache.rglob("h0.packed"))
    assert not list(place.glob("packed-*"))


def test_without_a_writable_folder_the_weights_are_packed_in_memory(folder, cache, messages):
    cache.write_text("no folder")
    artifacts = compile_model(folder)
    nowhere = replace(artifacts, folder=cache / "nowhere")
    messages.clear()
    assert ensure_weight_cache(nowhere, cache) is None
    assert "cannot write the weight cache" in messages[0]
    hparams, _ = read_description(folder)
    logits = [
        LiteRTEngine(artifacts, p, hparams, 1).prefill([[1, 2]])
        for p in (None, weight_cache(folder / INT8))
    ]
    np.testing.assert_array_equal(*logits)


def test_compiling_without_a_writable_folder_is_an_error(folder, cache, monkeypatch):
    shutil.rmtree(folder / INT8)
    monkeypatch.setattr(build, "places", lambda *_: (cache / "x", cache / "y"))
    cache.write_text("no folder")
    for make in (compile_model, lambda folder: verify_compiled(folder, "int8")):
        with pytest.raises(ModelError, match="cannot write the compiled tiny"):
            make(folder)


def test_a_full_disk_is_an_error_before_compiling_starts(folder, monkeypatch):
    shutil.rmtree(folder / INT8)
    usage = shutil.disk_usage(folder)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    for make in (compile_model, lambda folder: verify_compiled(folder, "int8")):
        with pytest.raises(ModelError, match=r"needs .*B, but only .*B are free"):
            make(folder)


def test_a_discarded_checkpoint_is_not_needed_to_generate(folder):
    wanted = generate(folder)
    size = sum(path.stat().st_size for path in checkpoint_files(folder))
    assert discard_checkpoint(folder, "int8") == size
    assert not list(folder.glob("*ckpt*"))
    lm = GPT2.load(folder)
    assert lm.generate(PROMPTS, length=12, seed=1) == wanted
    assert find_model("tiny", folder.parent) == folder
    assert installed_models(folder.parent)[0] == "tiny"
    with pytest.raises(CheckpointError, match="the float32 weights of tiny were discarded after"):
        lm.score("dog")
    assert np.isfinite(lm._engine.prefill([[1]])).all()


class TestWithoutItsCheckpoint:
    """The folder holds the only copy left: nobody is told to delete it."""

    @pytest.fixture
    def discarded(self, folder):
        shutil.rmtree(folder / INT8.replace("int8", "float32"))
        discard_checkpoint(folder, "int8")
        return folder

    @pytest.mark.parametrize(
        ("name", "report", "advice"),
        [
            ("774M", None, "move {} away, then run `gpt2bot download 774M`"),
            ("tiny", None, "copy {} again from where the model was made, or from a backup"),
            ("tiny", "nonsense", "copy {} again from where the model was made, or from a backup"),
            (
                "tiny",
                {"settings": {"epochs": 3, "base": "x"}, "files": [{"name": "a b.txt"}]},
                "move {} away, then run `gpt2bot train 'a b.txt' --name=tiny --epochs=3 --base=x`",
            ),
        ],
    )
    def test_how_to_have_its_weights_again_is_told(self, discarded, name, report, advice):
        folder = discarded.rename(discarded.with_name(name))
        if report is not None:
            (folder / "training.json").write_text(json.dumps(report))
        advice = re.escape(advice.format(folder))
        for use in (lambda: GPT2.load(folder).score("dog"), lambda: verify(folder)):
            with pytest.raises(CheckpointError, match=f"to get them back, {advice}$"):
                use()
        with pytest.raises(CheckpointError, match=f"set precision = .int8., or {advice}$"):
            GPT2.load(folder, precision="float32")
        (folder / INT8 / "h0.tflite").write_bytes(b"")
        with pytest.raises(CheckpointError, match=f"cannot be used, and its .*: {advice}$"):
            GPT2.load(folder)
        with pytest.raises(CheckpointError, match=rf"h0\.tflite is damaged: {advice}$"):
            verify_compiled(folder, "int8")
        with pytest.raises(CheckpointError, match=f"compiled to int8 only, and its .*{advice}$"):
            verify_compiled(folder, "float32")

    def test_it_is_no_base_for_a_training(self, discarded, tmp_path):
        text = tmp_path / "text.txt"
        text.write_text("one\ntwo\nthree\n")
        with pytest.raises(CheckpointError, match="float32 weights of tiny were discarded"):
            train([text], tmp_path / "tuned", TrainConfig(), base=discarded)

    def test_a_damaged_weight_cache_costs_no_more_than_itself(self, discarded):
        GPT2.load(discarded)
        path = next(discarded.glob(f"{INT8}/packed-*/h0.packed"))
        path.write_bytes(b"")
        with pytest.raises(CheckpointError, match="damaged: delete that folder, and"):
            verify_compiled(discarded, "int8")
        shutil.rmtree(path.parent)
        GPT2.load(discarded)
        assert verify_compiled(discarded, "int8") == discarded / INT8


def test_a_damaged_checkpoint_does_not_cost_the_compiled_model(folder):
    (folder / "model.ckpt.index").unlink()
    with pytest.raises(CheckpointError) as caught:
        verify_compiled(folder, "int8")
    message = str(caught.value)
    assert "or from a backup" in message
    assert "delete" not in message


def test_a_lock_that_cannot_be_held_is_told_before_the_work(folder):
    shutil.rmtree(folder / INT8)
    (folder / f".{INT8}.lock").unlink(missing_ok=True)
    (folder / f".{INT8}.lock").mkdir()
    for make in (compile_model, lambda folder: verify_compiled(folder, "int8")):
        with pytest.raises(ModelError, match="cannot write the compiled tiny"):
            make(folder)


def test_a_checkpoint_is_not_discarded_if_the_compiled_model_is_elsewhere(folder):
    shutil.rmtree(folder / INT8)
    with pytest.raises(ModelError, match="so its checkpoint stays"):
        discard_checkpoint(folder, "int8")
    assert checkpoint_files(folder)
