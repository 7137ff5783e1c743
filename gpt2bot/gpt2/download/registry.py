"""Which models there are: those that OpenAI published, and those in a folder of models.

A model is a folder in OpenAI's layout, and its name is the folder's. The bundled model, `demo`,
lies outside of the folder of models: in the package, or in the checkout that it is run from.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from annotated_types import Predicate, doc

from gpt2bot.errors import ModelMissingError, UsageError
from gpt2bot.gpt2.formats.foreign import explain_folder
from gpt2bot.gpt2.hparams import HParams

DATA_FILE = "model.ckpt.data-00000-of-00001"
FILES = (
    "checkpoint",
    "encoder.json",
    "hparams.json",
    DATA_FILE,
    "model.ckpt.index",
    "model.ckpt.meta",
    "vocab.bpe",
)

COMPILED = "litert-"
"""What the names of the folders of compiled models begin with."""

PUBLISHED = {
    "124M": HParams(n_vocab=50257, n_ctx=1024, n_embd=768, n_head=12, n_layer=12),
    "355M": HParams(n_vocab=50257, n_ctx=1024, n_embd=1024, n_head=16, n_layer=24),
    "774M": HParams(n_vocab=50257, n_ctx=1024, n_embd=1280, n_head=20, n_layer=36),
    "1558M": HParams(n_vocab=50257, n_ctx=1024, n_embd=1600, n_head=25, n_layer=48),
}
OLD_NAMES = {"117M": "124M", "345M": "355M"}  # OpenAI's own count was wrong at first

DEMO = "demo"
_PACKAGE = Path(__file__).resolve().parents[2]
_DEMO_FOLDERS = (_PACKAGE / "models" / DEMO, _PACKAGE.parent / "models" / DEMO)

# A folder name of at most 50 letters: no way out of the folder of models, nothing hidden, and short
# enough for any file system in UTF-8, with room for the names of temporary folders.
_NAME = re.compile(r"\w[\w.-]{0,49}")
_NAME_RULE = "at most 50 letters, digits and any of '_.-', the first a letter or a digit"


def _is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text))


ModelName = Annotated[str, Predicate(_is_name), doc(f"a name: {_NAME_RULE}")]
"""The type of a setting that names a model."""


def canonical_name(name: str) -> str:
    """The present name of a published model, by its present or its old one.

    Raises:
        UsageError: OpenAI published no model of this name.
    """
    upper = name.upper()
    canonical = OLD_NAMES.get(upper, upper)
    if canonical not in PUBLISHED:
        raise UsageError(f"there is no model {name!r} to download: choose {_either(PUBLISHED)}")
    return canonical


def check_name(name: str) -> str:
    """Gives back a name that a model here may have.

    Raises:
        UsageError: It is a path, hidden, too long, or holds a character that may make trouble.
    """
    if not _is_name(name):
        raise UsageError(f"{name!r} cannot be a model's name: use {_NAME_RULE}")
    return name


def find_model(name: str, models_dir: Path) -> Path:
    """The folder of a model that is here; an old name also finds what the new one names.

    Raises:
        UsageError: No model can have this name.
        ModelMissingError: It is not here; the message says what is, and how to get it.
    """
    for known_as in (check_name(name), OLD_NAMES.get(name, name)):
        for folder in _folders(known_as, models_dir):
            if is_model(folder):
                return folder
            if problem := explain_folder(folder):
                raise ModelMissingError(f"{folder} cannot be used: {problem}")
    here = ", ".join(installed_models(models_dir)) or "none"
    get = (
        f"`gpt2bot download {canonical_name(name)}` fetches it"
        if name in (*PUBLISHED, *OLD_NAMES)
        else f"`gpt2bot download NAME` fetches {_either(PUBLISHED)}"
    )
    raise ModelMissingError(f"there is no model {name!r} in {models_dir} (there: {here}); {get}")


def installed_models(models_dir: Path) -> list[str]:
    """The names of the models that are here: the largest first, and `demo` at the end."""
    sizes = {
        folder.name: _data_size(folder) or 4 * HParams.read(folder / "hparams.json").n_params
        for folder in (models_dir.iterdir() if models_dir.is_dir() else ())
        if _NAME.fullmatch(folder.name) and is_model(folder)
    }
    sizes.pop(DEMO, None)
    demo = [DEMO] if any(map(is_model, _folders(DEMO, models_dir))) else []
    return sorted(sizes, key=lambda name: (-sizes[name], name)) + demo


def default_model(models_dir: Path) -> str:
    """The name of the largest model that was downloaded or trained; `demo` where there is none."""
    return next(iter(installed_models(models_dir)), DEMO)


def is_model(folder: Path) -> bool:
    """Whether a folder looks like a model; whether it is a whole one, `checkpoint.verify` tells."""
    has_weights = _data_size(folder) > 0 or is_compiled(folder)
    return (folder / "hparams.json").is_file() and has_weights


def is_compiled(folder: Path) -> bool:
    """Whether there is a compiled model in a folder, which needs no checkpoint."""
    return any(folder.glob(f"{COMPILED}*/manifest.json"))


def _folders(name: str, models_dir: Path) -> tuple[Path, ...]:
    return (models_dir / name, *(_DEMO_FOLDERS if name == DEMO else ()))


def _data_size(folder: Path) -> int:
    """Bytes of weights: tools that fine-tune call the file `model-500.data-00000-of-00001`, say."""
    sizes = (path.stat().st_size for path in folder.glob("*.data-00000-of-00001"))
    return max(sizes, default=0)


def _either(names: dict[str, HParams]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"
