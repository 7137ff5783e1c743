from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from gpt2bot.errors import CheckpointError, ModelMissingError
from gpt2bot.files import restore_folder
from gpt2bot.gpt2.formats.checkpoint import read_weights, verify, write_model
from gpt2bot.gpt2.formats.layout import read_description
from gpt2bot.gpt2.tensorflow import tf

DATA, INDEX = "model.ckpt.data-00000-of-00001", "model.ckpt.index"


def test_what_is_written_is_read_again(model_folder, hparams, tokenizer, weights):
    found_hparams, found_tokenizer = read_description(model_folder)
    found = read_weights(model_folder, found_hparams)
    assert found_hparams == hparams
    assert found_tokenizer.merges == tokenizer.merges
    assert list(found) == list(hparams.shapes())
    for name, value in found.items():
        np.testing.assert_array_equal(value, weights[name])


def test_the_layout_is_openais(model_folder, hparams):
    assert sorted(path.name for path in model_folder.iterdir()) == [
        "checkpoint",
        "encoder.json",
        "hparams.json",
        DATA,
        INDEX,
        "model.ckpt.meta",
        "vocab.bpe",
    ]
    e = hparams.n_embd
    shapes = tf.train.load_checkpoint(str(model_folder)).get_variable_to_shape_map()
    assert shapes["model/h1/attn/c_attn/w"] == [1, e, 3 * e]
    assert shapes["model/h0/mlp/c_proj/b"] == [e]
    assert shapes["model/wte"] == [hparams.n_vocab, e]


def test_other_tools_restore_it_by_its_meta_graph(model_folder, weights):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        prefix = tf.train.latest_checkpoint(str(model_folder))
        tf.compat.v1.train.import_meta_graph(f"{prefix}.meta").restore(session, prefix)
        np.testing.assert_array_equal(session.run("model/wpe:0"), weights["wpe"])


def test_a_checkpoint_by_other_tools_is_read(tmp_path, model_folder, hparams, weights):
    """gpt-2-simple and nshepperd's fork save by a Saver, under a step's name and with a path."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in weights.items():
            shape = (1, *value.shape) if name.endswith("/w") else value.shape
            tf.compat.v1.get_variable(
                f"model/{name}", initializer=value.numpy().reshape(shape), use_resource=False
            )
        tf.compat.v1.get_variable("model/h0/mlp/c_fc/w_adam", initializer=np.zeros(3, np.float32))
        session.run(tf.compat.v1.global_variables_initializer())
        elsewhere = tmp_path / "run1"
        elsewhere.mkdir()
        saver = tf.compat.v1.train.Saver()
        saver.save(session, str(elsewhere / "model"), global_step=1000)
    state = elsewhere / "checkpoint"
    state.write_text(state.read_text().replace('"model-1000"', '"/content/run1/model-1000"'))
    for name in ("hparams.json", "encoder.json", "vocab.bpe"):
        shutil.copy(model_folder / name, elsewhere)
    verify(elsewhere)
    np.testing.assert_array_equal(read_weights(elsewhere, hparams)["wte"], weights["wte"])


def test_every_flipped_byte_of_a_tensor_is_noticed(model_folder, hparams):
    data = (model_folder / DATA).read_bytes()
    for place in np.linspace(0, len(data) - 1, 12, dtype=int):
        damaged = bytearray(data)
        damaged[place] ^= 1
        (model_folder / DATA).write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"tensor model/\S+ is damaged: .*hecksum"):
            verify(model_folder)


def test_a_file_that_was_cut_short_is_noticed(model_folder):
    data = (model_folder / DATA).read_bytes()
    (model_folder / DATA).write_bytes(data[:-100])
    with pytest.raises(CheckpointError, match=r"model/\S+ is damaged"):
        verify(model_folder)


@pytest.mark.parametrize("content", [b"", b"<html>not here</html>" * 20])
def test_an_index_that_is_none_is_named(model_folder, content):
    (model_folder / INDEX).write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{INDEX} is damaged"):
        verify(model_folder)


@pytest.mark.parametrize("name", ["checkpoint", "hparams.json", "encoder.json", DATA, INDEX])
def test_a_missing_file_is_named(model_folder, name):
    (model_folder / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        verify(model_folder)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("tiny", "copy .* again from where the model was made, or from a backup"),
        ("124M", "move .* away, then run `gpt2bot download 124M`$"),
    ],
)
def test_only_a_published_model_is_to_be_fetched_again(model_folder, name, wanted):
    folder = model_folder.rename(model_folder.with_name(name))
    damaged = bytearray((folder / DATA).read_bytes())
    damaged[-1] ^= 1
    (folder / DATA).write_bytes(damaged)
    with pytest.raises(CheckpointError, match=wanted) as caught:
        verify(folder)
    assert "delete" not in str(caught.value)


def test_a_checkpoint_of_another_step_is_named(model_folder):
    for name in (DATA, INDEX):
        path = model_folder / name
        path.rename(path.with_name(path.name.replace("model.ckpt", "model-500")))
    (model_folder / "checkpoint").write_text('model_checkpoint_path: "model-1000"')
    with pytest.raises(CheckpointError) as caught:
        verify(model_folder)
    message = str(caught.value)
    assert "model-1000.index is missing; the folder has model-500: name" in message
    assert 'model_checkpoint_path: "model-500"' in message
    (model_folder / "checkpoint").write_text('model_checkpoint_path: "model-500"')
    verify(model_folder)


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin", "tf_model.h5"])
def test_a_folder_in_hugging_faces_format_is_called_that(tmp_path, weights):
    for name in ("config.json", "vocab.json", "merges.txt", weights):
        (tmp_path / name).write_text("{}")
    with pytest.raises(
        CheckpointError, match=f"Hugging Face's format .*{weights}.*not supported yet"
    ):
        verify(tmp_path)


def test_a_checkpoint_without_a_vocabulary_names_what_is_missing(model_folder):
    for name in ("hparams.json", "encoder.json", "vocab.bpe"):
        (model_folder / name).unlink()
    missing = r"hparams\.json, encoder\.json, vocab\.bpe"
    with pytest.raises(CheckpointError, match=rf"weights model\.ckpt, but not {missing}: copy"):
        verify(model_folder)


def test_a_missing_folder_is_a_missing_model(tmp_path):
    with pytest.raises(ModelMissingError, match="there is no model in"):
        verify(tmp_path / "nothing")


def change_hparams(folder, **values):
    path = folder / "hparams.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"n_layer": 3}, "model/h2/ln_1/g is missing: .* must belong to the same model"),
        ({"n_ctx": 64}, r"model/wpe has shape \[32, 24\], but hparams.json implies \[64, 24\]"),
        ({"n_vocab": 11}, "encoder.json has .* tokens, but hparams.json says 11"),
        ({"n_head": 7}, "n_embd must be a multiple of n_head"),
        ({"n_layer": -1}, "n_layer must be a whole number of at least 1"),
        ({"n_layer": "two"}, "n_layer must be a whole number of at least 1"),
    ],
)
def test_hyperparameters_that_do_not_fit_are_told(model_folder, values, wanted):
    change_hparams(model_folder, **values)
    with pytest.raises(CheckpointError, match=wanted):
        verify(model_folder)


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_an_hparams_file_that_is_none_is_named(model_folder, content):
    (model_folder / "hparams.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"hparams\.json"):
        verify(model_folder)


@pytest.mark.parametrize("state", ["", "model_checkpoint_path: nothing", "\x00\xff"])
def test_a_state_file_that_names_no_checkpoint_is_told(model_folder, state):
    (model_folder / "checkpoint").write_text(state)
    with pytest.raises(CheckpointError, match="does not name a checkpoint"):
        verify(model_folder)


def test_a_state_file_does_not_lead_out_of_its_folder(tmp_path, model_folder):
    (model_folder / DATA).rename(tmp_path / DATA)
    (model_folder / INDEX).rename(tmp_path / INDEX)
    (model_folder / "checkpoint").write_text('model_checkpoint_path: "../../model.ckpt"')
    with pytest.raises(CheckpointError, match="is missing"):
        verify(model_folder)


def test_a_model_whose_replacement_ended_between_two_renames_comes_back(model_folder):
    model_folder.rename(model_folder.with_name(".tiny.old"))
    restore_folder(model_folder)
    verify(model_folder)
    restore_folder(model_folder)
    assert [path.name for path in model_folder.parent.iterdir()] == [model_folder.name]


def test_a_model_is_replaced_whole_or_not_at_all(model_folder, hparams, tokenizer, weights):
    broken = dict(weights) | {"wpe": None}
    with pytest.raises(ValueError, match="None"):
        write_model(model_folder, hparams, tokenizer, broken)
    verify(model_folder)
    write_model(model_folder, hparams, tokenizer, weights, {"training.json": "{}"})
    verify(model_folder)
    assert (model_folder / "training.json").read_text() == "{}"
    assert [path.name for path in model_folder.parent.iterdir()] == [model_folder.name]
