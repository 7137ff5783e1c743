from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tqdm import tqdm

from gpt2bot.errors import CheckpointError, ModelMissingError, TrainingError
from gpt2bot.gpt2 import GPT2
from gpt2bot.gpt2.download.registry import find_model, installed_models, training_folder
from gpt2bot.gpt2.formats.checkpoint import read_weights, verify
from gpt2bot.gpt2.formats.layout import read_description
from gpt2bot.gpt2.training.config import TrainConfig
from gpt2bot.gpt2.training.corpus import read_text_file, split_items
from gpt2bot.gpt2.training.train import initial_weights, train
from gpt2bot.gpt2.training.trainer import BAR, Trainer

SMALL = TrainConfig(
    n_vocab=280,
    n_ctx=24,
    n_embd=16,
    n_head=2,
    n_layer=1,
    epochs=4,
    batch_size=4,
    warmup=2,
    evaluate_every=10,
    validation_share=0.1,
    learning_rate=0.01,
)
COLOURS = ["red", "green", "blue", "white", "black"]
ANIMALS = ["dog", "cat", "owl", "fox", "hen", "cow", "pig", "ant"]


LINES = [f"the {c} {a} sees the {d}" for c in COLOURS for a in ANIMALS for d in COLOURS]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    return path


@pytest.fixture
def trained(shared_folder, text):
    """What `SMALL` makes of the text, which no test may change."""
    return shared_folder("trained", lambda folder: train([text], folder / "small", SMALL)) / "small"


def curve(folder):
    return json.loads((folder / "training.json").read_text())["curve"]


def test_a_model_learns_and_is_written_in_openais_layout(tmp_path, text):
    folder = tmp_path / "models" / "small"
    train([text], folder, SMALL)
    verify(folder)
    report = json.loads((folder / "training.json").read_text())
    assert report["files"][0]["name"] == "text.txt"
    assert report["files"][0]["items"] == 200
    assert report["settings"]["epochs"] == 4
    assert report["best"] == min(report["curve"], key=lambda m: m["held_out_loss"])
    assert report["curve"][-1]["held_out_loss"] < 0.7 * report["curve"][0]["held_out_loss"]
    assert str(tmp_path) not in json.dumps(report)
    assert {path.name for path in folder.parent.iterdir()} == {"small", ".small.lock"}


def test_the_figures_are_those_of_the_written_weights(trained, text):
    lm = GPT2.load(trained, engine="tensorflow")
    best = json.loads((trained / "training.json").read_text())["best"]
    held_out = split_items([read_text_file(text)], SMALL.validation_share, SMALL.seed).validation
    end, nats = lm.tokenizer.end_of_text, []
    for item in held_out:
        ids = [*lm.tokenizer.encode(item), end]
        logits = lm.logits([end, *ids[:-1]])[0].astype(float)
        nats += list(np.log(np.exp(logits).sum(axis=-1)) - logits[np.arange(len(ids)), ids])
    characters = sum(len(item) + 1 for item in held_out)
    assert best["held_out_loss"] == pytest.approx(np.mean(nats), abs=1e-3)
    assert best["bits_per_character"] == pytest.approx(sum(nats) / np.log(2) / characters, abs=1e-3)


def test_the_same_seed_gives_the_same_curve_and_another_seed_another(tmp_path, text):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train([text], tmp_path / name, TrainConfig(**(vars(SMALL) | {"seed": seed, "epochs": 2})))
    assert curve(tmp_path / "a") == curve(tmp_path / "b") != curve(tmp_path / "c")


# Saves after every step, and waits for the end of stdin once it has said how far it is.
TRAIN = """
import logging, os, signal, sys
from pathlib import Path
from gpt2bot.gpt2.training import trainer
from gpt2bot.gpt2.training.config import TrainConfig
from gpt2bot.gpt2.training.train import train
def wait(record):
    if record.getMessage().startswith("step "):
        print(record.getMessage(), flush=True)
        sys.stdin.read()
    return True
trainer.SECONDS_BETWEEN_SAVES = -1
trainer.logger.addFilter(wait)
logging.basicConfig(level='INFO', format='%(message)s', stream=sys.stdout)
config = TrainConfig(**eval(sys.argv[3]))
def die(event, args):  # where a file operation of this kind is about to touch this path
    if event == sys.argv[4] and sys.argv[5] in map(str, args):
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[4:]:
    sys.addaudithook(die)
train([Path(sys.argv[1])], Path(sys.argv[2]), config)
"""


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_a_training_that_was_stopped_resumes_to_the_same_model(
    tmp_path, text, trained, kill, messages
):
    folder = tmp_path / "models" / "small"
    command = [sys.executable, "-c", TRAIN, str(text), str(folder), repr(vars(SMALL))]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        said = iter(process.stdout.readline, "")
        assert any(line.startswith("step ") for line in said)
        os.kill(process.pid, kill)
        rest, _ = process.communicate()
    assert process.returncode != 0
    if kill == signal.SIGINT:
        assert rest.endswith(": the same command resumes the training\n")
    assert not folder.exists()
    assert_unfinished(folder)
    messages.clear()
    train([text], folder, SMALL)
    assert messages[1].startswith("resuming at step ")
    assert curve(folder) == curve(trained)
    hparams, _ = read_description(folder)
    wanted = read_weights(trained, hparams)
    for name, value in read_weights(folder, hparams).items():
        np.testing.assert_array_equal(value, wanted[name])


def assert_unfinished(folder):
    command = r"`gpt2bot train text\.txt --name=small"
    with pytest.raises(ModelMissingError, match=f"not finished: {command}"):
        find_model("small", folder.parent)
    assert "small" not in installed_models(folder.parent)


def test_a_training_that_is_killed_while_it_finishes_is_not_finished(tmp_path, text):
    config = replace(SMALL, epochs=0.5)
    folder = tmp_path / "models" / "small"
    state = training_folder(folder)
    command = [sys.executable, "-c", TRAIN, str(text), str(folder), repr(vars(config))]

    def killed_at(event, path):
        process = subprocess.run([*command, event, str(path)], capture_output=True, text=True)
        assert process.returncode == -signal.SIGKILL, process.stderr
        assert_unfinished(folder)

    killed_at("os.rename", folder)  # all steps are done, and the model is not in its place
    assert not folder.exists()
    (state / "model").rename(state / ".model.old")  # as if it was just being replaced by a better
    killed_at("os.remove", state / "progress.json")
    assert folder.exists()  # as with an unfinished training of an earlier version
    train([text], folder, config)
    assert find_model("small", folder.parent) == folder
    verify(folder)
    assert {path.name for path in folder.parent.iterdir()} == {"small", ".small.lock"}


def test_a_model_that_somebody_else_put_there_is_not_overwritten(tmp_path, text, monkeypatch):
    folder = tmp_path / "a"
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train([text], folder, SMALL)
    folder.mkdir()
    (folder / "hparams.json").write_text("{}")
    with pytest.raises(TrainingError, match="already exists: choose another name"):
        train([text], folder, SMALL)
    assert (folder / "hparams.json").exists()


def interrupt(*_args, **_options):
    raise KeyboardInterrupt


def test_a_training_that_stops_early_says_why(tmp_path, text, messages):
    config = TrainConfig(**(vars(SMALL) | {"epochs": 40, "learning_rate": 0.5, "patience": 1}))
    train([text], tmp_path / "a", config)
    [why] = [message for message in messages if message.startswith("stopped early, at step ")]
    assert "the held-out loss has not improved in 1 measurements since step" in why


def test_the_bar_shows_the_loss_in_80_columns():
    bar = tqdm.format_meter(
        123_456_789,
        987_654_321,
        elapsed=36_000,
        ncols=80,
        unit="tok",
        unit_scale=True,
        bar_format=BAR,
        postfix="loss 10.123, held out 10.456",
    )
    assert bar.endswith("loss 10.123, held out 10.456")
    assert len(bar) <= 80


def test_a_short_training_warms_up_and_is_measured_ten_times(tmp_path, text):
    config = TrainConfig(**(vars(SMALL) | {"warmup": 1000, "evaluate_every": 1000}))
    train([text], tmp_path / "a", config)
    losses = [measure["held_out_loss"] for measure in curve(tmp_path / "a")]
    assert len(losses) >= 10
    assert losses[-1] < 0.7 * losses[0]


def test_a_started_training_does_not_go_on_with_other_data_or_settings(tmp_path, text, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "figures", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train([text], tmp_path / "a", SMALL)
    with pytest.raises(TrainingError, match="different settings: resume it with `gpt2bot"):
        train([text], tmp_path / "a", TrainConfig(**(vars(SMALL) | {"dropout": 0.2})))
    text.write_text(text.read_text() + "\nmore")
    with pytest.raises(TrainingError, match="was started with different files"):
        train([text], tmp_path / "a", SMALL)


def test_a_training_that_version_0_1_0_left_unfinished_resumes(tmp_path, text, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "figures", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train([text], tmp_path / "a", SMALL)
    progress = training_folder(tmp_path / "a") / "progress.json"
    saved = json.loads(progress.read_text())
    settings = saved["identity"]["settings"]
    settings["block"] = settings.pop("block_size")
    settings["held_out"] = settings.pop("validation_share")
    progress.write_text(json.dumps(saved))
    train([text], tmp_path / "a", SMALL)
    verify(tmp_path / "a")


def test_another_column_is_another_training(tmp_path, monkeypatch):
    table = tmp_path / "table.csv"
    rows = "".join(f"A {c} {a},The {a} is {c}\n" for c in COLOURS for a in ANIMALS)
    table.write_text(f"one,two\n{rows}", encoding="utf-8")

    def interrupt(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "figures", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train([table], tmp_path / "a", SMALL, column="one")
    with pytest.raises(TrainingError, match="was started with different settings"):
        train([table], tmp_path / "a", SMALL, column="two")


def test_a_model_that_is_there_is_not_overwritten(tmp_path, text):
    (tmp_path / "a").mkdir()
    with pytest.raises(TrainingError, match=r"already exists: .* or move it away"):
        train([text], tmp_path / "a", SMALL)


def test_training_stops_when_the_held_out_loss_does_not_improve(tmp_path, text):
    config = TrainConfig(**(vars(SMALL) | {"learning_rate": 3.0, "patience": 2, "epochs": 100}))
    train([text], tmp_path / "a", config)
    assert len(curve(tmp_path / "a")) < 50


def test_fine_tuning_starts_from_the_base(tmp_path, text, model_folder):
    config = TrainConfig(**(vars(SMALL) | {"epochs": 0.01, "learning_rate": 1e-7}))
    train([text], tmp_path / "tuned", config, base=model_folder)
    hparams, tokenizer = read_description(tmp_path / "tuned")
    base_hparams, base_tokenizer = read_description(model_folder)
    assert hparams == base_hparams
    assert tokenizer.merges == base_tokenizer.merges
    base = read_weights(model_folder, hparams)
    for name, value in read_weights(tmp_path / "tuned", hparams).items():
        np.testing.assert_allclose(value, base[name], atol=1e-5)
    report = json.loads((tmp_path / "tuned" / "training.json").read_text())
    assert report["settings"]["base"] == "tiny"


def test_a_damaged_base_is_told(tmp_path, text, model_folder):
    (model_folder / "hparams.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"hparams\.json"):
        train([text], tmp_path / "tuned", SMALL, base=model_folder)


def test_initial_weights_have_gpt2s_deviations(hparams):
    weights = initial_weights(hparams, seed=0)
    assert {name: tuple(value.shape) for name, value in weights.items()} == hparams.shapes()
    assert np.std(weights["wte"]) == pytest.approx(0.02, rel=0.05)
    assert np.std(weights["wpe"]) == pytest.approx(0.01, rel=0.1)
    assert np.std(weights["h0/mlp/c_proj/w"]) == pytest.approx(0.02 / 2, rel=0.1)
    assert (weights["h0/ln_1/g"].numpy() == 1).all()
    assert (weights["h0/ln_1/b"].numpy() == 0).all()
