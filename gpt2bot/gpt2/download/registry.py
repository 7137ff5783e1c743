"""The models that OpenAI published, and those in a folder of models.

A model is a folder in OpenAI's layout, and the folder's name is the model's name. The bundled
model, `demo`, is not in the folder of models but in the package, or in the checkout.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Annotated

from annotated_types import Predicate, doc

from gpt2bot.errors import ModelMissingError, UsageError
from gpt2bot.gpt2.formats.foreign import explain_folder
from gpt2bot.gpt2.hparams import HParams
from gpt2bot.gpt2.training.config import train_command

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
"""The start of the folder names of compiled models."""

PUBLISHED = {
    "124M": HParams(n_vocab=50257, n_ctx=1024, n_embd=768, n_head=12, n_layer=12),
    "355M": HParams(n_vocab=50257, n_ctx=1024, n_embd=1024, n_head=16, n_layer=24),
    "774M": HParams(n_vocab=50257, n_ctx=1024, n_embd=1280, n_head=20, n_layer=36),
    "1558M": HParams(n_vocab=50257, n_ctx=1024, n_embd=1600, n_head=25, n_layer=48),
}
OLD_NAMES = {"117M": "124M", "345M": "355M"}  # OpenAI first published wrong counts

TRAINING_REPORT = "training.json"
"""The file in a model's folder that says how it was trained; a published model has none."""

PROGRESS = "progress.json"
"""The file that marks the folder of an unfinished training."""

DEMO = "demo"
_PACKAGE = Path(__file__).resolve().parents[2]
_DEMO_FOLDERS = (_PACKAGE / "models" / DEMO, _PACKAGE.parent / "models" / DEMO)

# Such a name cannot leave the folder of models, is not hidden, and is short enough in UTF-8 for any
# file system, even with what the names of temporary folders add.
_NAME = re.compile(r"\w[\w.-]{0,49}")
_NAME_RULE = "at most 50 letters, digits and any of '_.-', the first a letter or a digit"


def _is_name(text: str) -> bool:
    return bool(_NAME.fullmatch(text))


ModelName = Annotated[str, Predicate(_is_name), doc(f"a name of {_NAME_RULE}")]
"""The type of a setting that names a model."""


def canonical_name(name: str) -> str:
    """The current name of a published model, given its current or its old name.

    Raises:
        UsageError: OpenAI published no model of this name.
    """
    upper = name.upper()
    canonical = OLD_NAMES.get(upper, upper)
    if canonical not in PUBLISHED:
        raise UsageError(f"there is no model {name!r} to download: choose {_either(PUBLISHED)}")
    return canonical


def check_name(name: str) -> str:
    """Returns the name if it is a valid model name.

    Raises:
        UsageError: It is a path, hidden or too long, or contains a character that is not allowed.
    """
    if not _is_name(name):
        raise UsageError(f"{name!r} is not a valid model name: use {_NAME_RULE}")
    return name


def check_new_name(name: str) -> str:
    """Returns the name if a new model may have it.

    Raises:
        UsageError: As from `check_name`; or it is the name of a published model or of `demo`, in
            upper or lower case. These names must not stand for any other model.
    """
    if check_name(name).upper() in (*PUBLISHED, *OLD_NAMES, DEMO.upper()):
        whose = "the bundled model" if name.upper() == DEMO.upper() else "one of OpenAI's models"
        raise UsageError(f"{name} is the name of {whose}: choose another name")
    return name


def find_model(name: str, models_dir: Path) -> Path:
    """The folder of an installed model; an old name also finds the model by its new name.

    Raises:
        UsageError: It is not a valid model name.
        ModelMissingError: It is not installed, or its training is not finished. The message lists
            the installed models and says how to get this one.
    """
    for known_as in (check_name(name), OLD_NAMES.get(name, name)):
        for folder in _folders(known_as, models_dir):
            if is_model(folder):
                return folder
            if problem := explain_folder(folder):
                raise ModelMissingError(f"{folder} cannot be used: {problem}")
        if is_unfinished(models_dir / known_as):
            raise ModelMissingError(_how_to_resume(models_dir / known_as))
    here = ", ".join(installed_models(models_dir)) or "none"
    get = (
        f"`gpt2bot download {canonical_name(name)}` downloads it"
        if name in (*PUBLISHED, *OLD_NAMES)
        else f"`gpt2bot download NAME` downloads {_either(PUBLISHED)}"
    )
    raise ModelMissingError(
        f"there is no model {name!r} in {models_dir} (installed: {here}); {get}"
    )


def installed_models(models_dir: Path) -> list[str]:
    """The names of the installed models: the largest first, and `demo` at the end."""
    sizes = {
        folder.name: _data_size(folder) or 4 * HParams.read(folder / "hparams.json").n_params
        for folder in (models_dir.iterdir() if models_dir.is_dir() else ())
        if _NAME.fullmatch(folder.name) and is_model(folder)
    }
    sizes.pop(DEMO, None)
    demo = [DEMO] if any(map(is_model, _folders(DEMO, models_dir))) else []
    return sorted(sizes, key=lambda name: (-sizes[name], name)) + demo


def default_model(models_dir: Path) -> str:
    """The name of the largest published model that is installed; `demo` if there is none.

    Any other model is used only if it is named.
    """
    return next(filter(partial(_is_published, models_dir), installed_models(models_dir)), DEMO)


def own_models(models_dir: Path) -> list[str]:
    """The names of the installed models that OpenAI did not publish: the largest first."""
    own = [name for name in installed_models(models_dir) if not _is_published(models_dir, name)]
    return [name for name in own if name != DEMO]


def is_model(folder: Path) -> bool:
    """Whether a folder looks like a model; `checkpoint.verify` checks that it is complete."""
    has_weights = _data_size(folder) > 0 or is_compiled(folder)
    return (folder / "hparams.json").is_file() and has_weights and not is_unfinished(folder)


def is_unfinished(folder: Path) -> bool:
    """Whether a model is being trained, or its training was stopped before it was finished.

    What is there without a report of a training came otherwise, and is whole.
    """
    came_otherwise = folder.exists() and not (folder / TRAINING_REPORT).exists()
    return not came_otherwise and (training_folder(folder) / PROGRESS).is_file()


def training_folder(folder: Path) -> Path:
    """The folder where the training of a model keeps its state until it is finished."""
    return folder.with_name(f".{folder.name}.training")


def is_compiled(folder: Path) -> bool:
    """Whether a folder contains a compiled model, which needs no checkpoint."""
    return any(folder.glob(f"{COMPILED}*/manifest.json"))


def _is_published(models_dir: Path, name: str) -> bool:
    """Whether a model appears to be the one that OpenAI published under this name."""
    trained = (models_dir / name / TRAINING_REPORT).exists()
    return name in (*PUBLISHED, *OLD_NAMES) and not trained


def _how_to_resume(folder: Path) -> str:
    try:
        text = (training_folder(folder) / PROGRESS).read_text(encoding="utf-8")
        command = train_command(json.loads(text)["identity"], folder.name)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        command = f"gpt2bot train FILE --name {folder.name}"
    return f"the training of {folder.name} is not finished: `{command}` resumes it"


def _folders(name: str, models_dir: Path) -> tuple[Path, ...]:
    return (models_dir / name, *(_DEMO_FOLDERS if name == DEMO else ()))


def _data_size(folder: Path) -> int:
    """Bytes of weights, in a file that fine-tuning tools name `model-500.data-00000-of-00001`."""
    sizes = (path.stat().st_size for path in folder.glob("*.data-00000-of-00001"))
    return max(sizes, default=0)


def _either(names: dict[str, HParams]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"
