from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gpt2bot
from gpt2bot.errors import ModelMissingError, UsageError
from gpt2bot.gpt2.download.registry import (
    DATA_FILE,
    PUBLISHED,
    canonical_name,
    check_name,
    check_new_name,
    default_model,
    find_model,
    installed_models,
    own_models,
    training_folder,
)


def make_model(folder: Path, size: int = 10, data_file: str = DATA_FILE) -> Path:
    folder.mkdir(parents=True)
    (folder / "hparams.json").write_text("{}", encoding="utf-8")
    (folder / data_file).write_bytes(bytes(size))
    return folder


@pytest.mark.parametrize(
    ("name", "n_params"),
    [("124M", 124_439_808), ("355M", 354_823_168), ("774M", 774_030_080), ("1558M", 1_557_611_200)],
)
def test_published_models_have_the_number_of_weights_they_are_called_by(name, n_params):
    assert PUBLISHED[name].n_params == n_params


@pytest.mark.parametrize(
    ("name", "canonical"),
    [("124M", "124M"), ("117M", "124M"), ("345M", "355M"), ("1558M", "1558M"), ("774m", "774M")],
)
def test_published_models_are_known_by_their_present_and_old_names(name, canonical):
    assert canonical_name(name) == canonical


@pytest.mark.parametrize("name", ["", "demo", "1.5B", "../124M", "124"])
def test_another_name_cannot_be_downloaded_and_the_allowed_ones_are_listed(name):
    with pytest.raises(UsageError, match="124M, 355M, 774M or 1558M"):
        canonical_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "/etc",
        "a/b",
        "a\\b",
        ".hidden",
        "-x",
        "a\nb",
        "a\0b",
        "x\n",
        "x" * 51,
    ],
)
def test_a_name_cannot_lead_out_of_the_folder_of_models(tmp_path, name):
    with pytest.raises(UsageError, match="is not a valid model name"):
        find_model(name, tmp_path)


@pytest.mark.parametrize("name", ["124M", "my-bot_2.1", "Große_Köpfe", "猫" * 50])
def test_usual_names_are_good(tmp_path, name):
    folder = make_model(tmp_path / name)
    assert find_model(check_name(name), tmp_path) == folder


def test_an_old_name_finds_the_folder_of_either_name(tmp_path):
    new = make_model(tmp_path / "124M")
    assert find_model("117M", tmp_path) == new
    old = make_model(tmp_path / "117M")
    assert find_model("117M", tmp_path) == old
    assert find_model("124M", tmp_path) == new


def test_a_missing_published_model_says_how_to_fetch_it(tmp_path):
    make_model(tmp_path / "mine")
    expected = r"installed: mine.*`gpt2bot download 355M` downloads it"
    with pytest.raises(ModelMissingError, match=expected):
        find_model("345M", tmp_path)


def test_a_missing_model_of_ones_own_says_what_there_is(tmp_path):
    make_model(tmp_path / "small", size=5)
    make_model(tmp_path / "large", size=50)
    with pytest.raises(
        ModelMissingError, match=r"'mine'.*installed: large, small.*124M, 355M"
    ) as error:
        find_model("mine", tmp_path)
    assert "\n" not in str(error.value)


def test_a_folder_of_another_program_is_named_with_its_format(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).touch()
    with pytest.raises(ModelMissingError, match="mine cannot be used: it is in Hugging Face's"):
        find_model("mine", tmp_path)
    assert "mine" not in installed_models(tmp_path)


def test_only_models_are_listed(tmp_path):
    make_model(tmp_path / "124M")
    make_model(tmp_path / ".355M.part")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a-file").touch()
    make_model(tmp_path / "no-weights", size=0)
    assert "124M" in installed_models(tmp_path)
    assert set(installed_models(tmp_path)) <= {"124M", "demo"}


def test_models_are_listed_from_the_largest_and_demo_last(tmp_path):
    make_model(tmp_path / "small", size=1)
    make_model(tmp_path / "demo", size=1000)
    make_model(tmp_path / "large", size=100)
    assert installed_models(tmp_path) == ["large", "small", "demo"]


def test_the_largest_published_model_is_the_default(tmp_path):
    make_model(tmp_path / "117M", size=100)
    assert default_model(tmp_path) == "117M"
    make_model(tmp_path / "774M", size=200)
    assert default_model(tmp_path) == "774M"


def test_a_model_of_ones_own_is_never_the_default(tmp_path):
    make_model(tmp_path / "tuned", size=200, data_file="model-500.data-00000-of-00001")
    make_model(tmp_path / "larger", size=300)
    assert default_model(tmp_path) == "demo"
    make_model(tmp_path / "124M", size=100)
    assert default_model(tmp_path) == "124M"
    assert own_models(tmp_path) == ["larger", "tuned"]


def test_a_model_that_was_trained_under_the_name_of_a_published_one_is_not_the_default(tmp_path):
    folder = make_model(tmp_path / "774M", size=200)
    (folder / "training.json").write_text("{}")
    make_model(tmp_path / "124M", size=100)
    assert default_model(tmp_path) == "124M"
    assert own_models(tmp_path) == ["774M"]


def test_demo_is_the_default_only_where_no_published_model_is(tmp_path):
    assert default_model(tmp_path / "missing") == "demo"
    make_model(tmp_path / "demo", size=1000)
    assert default_model(tmp_path) == "demo"
    assert own_models(tmp_path) == []
    make_model(tmp_path / "124M", size=10)
    assert default_model(tmp_path) == "124M"


@pytest.mark.parametrize(
    "name",
    ["124M", "355M", "774M", "1558M", "774m", "117M", "345M", "345m", "demo", "Demo", "DEMO"],
)
def test_a_name_that_stands_for_another_model_cannot_be_trained_to(name):
    with pytest.raises(UsageError, match=f"{name} is the name of .*: choose another name"):
        check_new_name(name)


@pytest.mark.parametrize("name", ["mine", "774M-mine", "demo2", "my-117M"])
def test_any_other_name_can_be_trained_to(name):
    assert check_new_name(name) == name


@pytest.mark.parametrize(
    ("progress", "command"),
    [
        (
            {
                "settings": {"epochs": 30, "batch_size": 8, "dropout": 0.1, "base": "124M"},
                "files": [{"name": "a.txt"}, {"name": "b c.csv"}],
            },
            "gpt2bot train a.txt 'b c.csv' --name=mine --epochs=30 --batch-size=8 --base=124M",
        ),
        ({"settings": {}, "files": [{"name": "a.txt"}]}, "gpt2bot train a.txt --name=mine"),
        ({}, "gpt2bot train FILE --name mine"),
    ],
)
def test_a_training_that_is_not_finished_has_not_made_a_model(tmp_path, progress, command):
    """Be there a folder of the model or not: an earlier version wrote the best one so far there."""
    state = training_folder(tmp_path / "mine")
    state.mkdir()
    (state / "progress.json").write_text(json.dumps({"identity": progress}))
    message = re.escape(f"the training of mine is not finished: `{command}` resumes it")
    for _ in range(2):
        with pytest.raises(ModelMissingError, match=message):
            find_model("mine", tmp_path)
        assert "mine" not in installed_models(tmp_path)
        assert own_models(tmp_path) == []
        if not (tmp_path / "mine").exists():
            (make_model(tmp_path / "mine") / "training.json").write_text("{}")
    (state / "progress.json").unlink()  # the last thing that a training does
    assert find_model("mine", tmp_path) == tmp_path / "mine"


def test_a_model_that_came_otherwise_is_one_whatever_a_training_of_its_name_left(tmp_path):
    state = training_folder(tmp_path / "124M")
    state.mkdir()
    (state / "progress.json").write_text("{}")
    folder = make_model(tmp_path / "124M")
    assert find_model("124M", tmp_path) == folder
    assert default_model(tmp_path) == "124M"


def test_a_demo_in_the_folder_of_models_comes_first(tmp_path):
    demo = make_model(tmp_path / "demo")
    assert find_model("demo", tmp_path) == demo


@pytest.mark.parametrize("place", ["models/demo", "gpt2bot/models/demo"])
def test_the_model_in_the_box_is_found_in_a_checkout_and_in_an_installed_package(tmp_path, place):
    package = Path(gpt2bot.__file__).parent
    shutil.copytree(package, tmp_path / "gpt2bot", ignore=shutil.ignore_patterns("models", "__py*"))
    demo = make_model(tmp_path / place)
    make_model(tmp_path / "mine" / "demo")
    program = (
        "import sys; from pathlib import Path; from gpt2bot.gpt2.download import registry as r\n"
        "models = Path('nowhere')\n"
        "print(r.find_model('demo', models), r.installed_models(models), r.default_model(models))\n"
        "print(r.find_model('demo', Path('mine')))\n"
        "assert 'tensorflow' not in sys.modules"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.stderr == ""
    assert run.stdout == f"{demo} ['demo'] demo\nmine/demo\n"
