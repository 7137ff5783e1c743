"""The settings: where they come from, which of them wins, and what is said when one is wrong."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from annotated_types import Ge
from pydantic import SecretStr  # noqa: TC002 - pydantic reads the annotations

from gpt2bot import config
from gpt2bot.config import Settings, load_settings, tomllib
from gpt2bot.errors import ConfigurationError
from gpt2bot.fields import fields_of, is_settings
from gpt2bot.posting.client import Account
from gpt2bot.tweets.label import DEFAULT_LABEL

EXAMPLE = Path(__file__).parents[1] / "config.example.toml"
SECRET = "s3cr3t-value"  # made up; it must never be seen again


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and an empty working directory in it: nothing of the developer's is read."""
    home = tmp_path / "home"
    (home / "work").mkdir(parents=True)
    monkeypatch.chdir(home / "work")
    monkeypatch.setenv("HOME", str(home))
    for folder in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{folder}_HOME", str(home / folder.lower()))
    return home


def load(path: Path | None = None, **environ: str) -> Settings:
    return load_settings(path, environ)


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def complaint(text: str, tmp_path: Path, **environ: str) -> str:
    """What is said about a file that is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        load(written(tmp_path / "bot.toml", text), **environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_a_file_the_defaults_hold(home: Path) -> None:
    settings = load()
    assert settings.file is None
    assert settings.model is None
    assert settings.models_dir == home / "data/gpt2bot/models"
    assert settings.state_dir == home / "state/gpt2bot"
    assert settings.sampling.top_k == 40
    assert settings.sampling.temperature == 0.9
    assert settings.tweets.label == DEFAULT_LABEL
    assert settings.x.missing == [
        "consumer_key",
        "consumer_secret",
        "access_token",
        "access_token_secret",
    ]


def test_a_models_folder_that_is_here_is_used(home: Path) -> None:
    (home / "work/models").mkdir()
    assert load().models_dir == home / "work/models"


def test_the_file_is_looked_for_in_order(home: Path, tmp_path: Path) -> None:
    def model(path: Path | None = None, **environ: str) -> str | None:
        return load(path, **environ).model

    written(home / "config/gpt2bot/config.toml", 'model = "user"')
    assert model() == "user"
    written(home / "work/config.toml", 'model = "here"')
    assert model() == "here"
    variable = written(tmp_path / "variable.toml", 'model = "variable"')
    assert model(GPT2BOT_CONFIG=str(variable)) == "variable"
    option = written(tmp_path / "option.toml", 'model = "option"')
    assert model(option, GPT2BOT_CONFIG=str(variable)) == "option"


@pytest.mark.parametrize("environ", [{}, {"GPT2BOT_CONFIG": "nowhere.toml"}])
def test_a_file_that_is_named_must_be_there(environ: dict[str, str]) -> None:
    named = None if environ else Path("nowhere.toml")
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml, which does not exist"):
        load(named, **environ)


@pytest.mark.parametrize("variable", [False, True])
def test_a_folder_stands_for_the_file_in_it(variable: bool, tmp_path: Path) -> None:
    file = written(tmp_path / "bot/config.toml", 'model = "there"')
    environ = {"GPT2BOT_CONFIG": str(file.parent)} if variable else {}
    settings = load(None if variable else file.parent, **environ)
    assert (settings.model, settings.file) == ("there", file)


@pytest.mark.parametrize("variable", [False, True])
def test_a_folder_without_a_file_is_called_a_folder(variable: bool, tmp_path: Path) -> None:
    origin = "GPT2BOT_CONFIG" if variable else "--config"
    environ = {"GPT2BOT_CONFIG": str(tmp_path)} if variable else {}
    with pytest.raises(ConfigurationError) as caught:
        load(None if variable else tmp_path, **environ)
    wanted = f"{origin} names the folder {tmp_path}, which contains no config.toml"
    assert str(caught.value) == wanted


def test_a_file_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to("gone.toml")
    with pytest.raises(
        ConfigurationError, match=r"link\.toml \(a link to gone\.toml\), which does"
    ):
        load(link)
    long = tmp_path / ("x" * 300)
    with pytest.raises(ConfigurationError, match=rf"cannot read {long}: File name too long"):
        load(long)


def test_paths_are_relative_to_the_file_and_not_to_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "bot/m").mkdir(parents=True)
    file = written(
        tmp_path / "bot/config.toml",
        'models_dir = "m"\nstate_dir = "/var/s"\n[tweets]\nprompts_file = "../p.csv"',
    )
    settings = load(file)
    assert settings.models_dir == tmp_path / "bot/m"
    assert settings.state_dir == Path("/var/s")
    assert settings.tweets.prompts_file == tmp_path / "bot/../p.csv"


def test_folders_lie_beside_the_file_unless_it_says_otherwise(tmp_path: Path) -> None:
    settings = load(written(tmp_path / "bot/config.toml", ""))
    assert settings.models_dir == tmp_path / "bot/models"
    assert settings.state_dir == tmp_path / "bot/state"


def test_a_tilde_is_the_home(home: Path, tmp_path: Path) -> None:
    (home / "m").mkdir()
    file = written(tmp_path / "config.toml", 'models_dir = "~/m"')
    settings = load(file, GPT2BOT_STATE_DIR="~/s")
    assert settings.models_dir == home / "m"
    assert settings.state_dir == home / "s"


class TestModelsFolder:
    """One that is named must be there: what posts must not change with a disk that is missing."""

    def test_it_must_be_there(self, tmp_path: Path) -> None:
        folder = tmp_path / "my disk/models"
        message = complaint(f'models_dir = "{folder}"', tmp_path)
        assert f"models_dir ({tmp_path / 'bot.toml'}): folder {folder} not found: " in message
        assert f"mount its disk, or create it with `mkdir -p '{folder}'`" in message
        message = complaint("", tmp_path, GPT2BOT_MODELS_DIR=str(folder))
        assert f"models_dir (GPT2BOT_MODELS_DIR): folder {folder} not found: " in message
        folder.mkdir(parents=True)
        assert load(GPT2BOT_MODELS_DIR=str(folder)).models_dir == folder

    def test_the_one_of_the_example_counts_as_named(self, tmp_path: Path) -> None:
        assert "not found" in complaint('models_dir = "models"', tmp_path)
        assert load(written(tmp_path / "other.toml", "")).models_dir == tmp_path / "models"

    def test_a_broken_link_is_called_one(self, tmp_path: Path) -> None:
        (tmp_path / "models").symlink_to("/mnt/gone")
        message = complaint('models_dir = "models"', tmp_path)
        assert f"folder {tmp_path / 'models'} (a link to /mnt/gone) not found: mount" in message

    @pytest.mark.parametrize("value", ["bot.toml", "bot.toml/models"])
    def test_a_file_is_no_folder(self, value: str, tmp_path: Path) -> None:
        message = complaint(f'models_dir = "{value}"', tmp_path)
        assert f"{tmp_path / value} is not a folder: set a folder that contains models" in message

    def test_one_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to("loop")
        message = complaint('models_dir = "loop"', tmp_path)
        assert f"cannot read {tmp_path / 'loop'} (Too many levels of symbolic links)" in message

    @pytest.mark.parametrize("name", ["MODELS_DIR", "STATE_DIR"])
    @pytest.mark.parametrize("value", ["", "  "])
    def test_a_blank_one_is_not_the_working_directory(
        self, name: str, value: str, tmp_path: Path
    ) -> None:
        message = complaint("", tmp_path, **{f"GPT2BOT_{name}": value})
        assert f"{name.lower()} (GPT2BOT_{name}): must name a folder" in message
        message = complaint(f'{name.lower()} = "{value}"', tmp_path)
        assert f"{name.lower()} ({tmp_path / 'bot.toml'}): must name a folder" in message

    def test_the_home_of_nobody_is_no_traceback(self, tmp_path: Path) -> None:
        assert "cannot resolve" in complaint('models_dir = "~nobody-here/m"', tmp_path)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path / "config.toml",
        'model = "a"\n[sampling]\ntop_k = 5\ntop_p = 0.5\n[x]\nconsumer_key = "file"',
    )
    settings = load(
        file,
        GPT2BOT_MODEL="b",
        GPT2BOT_SAMPLING__TOP_K="7",
        GPT2BOT_X__CONSUMER_KEY=f" {SECRET}\n",
        GPT2BOT_TWEETS__PROMPTS='["one", "two"]',
    )
    assert settings.model == "b"
    assert (settings.sampling.top_k, settings.sampling.top_p) == (7, 0.5)
    assert settings.tweets.prompts == ("one", "two")
    assert settings.x.consumer_key.get_secret_value() == SECRET


def test_settings_cannot_be_changed() -> None:
    settings = load()
    with pytest.raises(ValueError, match="frozen"):
        settings.model = "other"
    with pytest.raises(FrozenInstanceError):
        settings.sampling.top_k = 3  # type: ignore[misc]


def test_all_errors_are_told_at_once_each_with_its_key_value_and_origin(tmp_path: Path) -> None:
    message = complaint(
        "modle = 'a'\n[sampling]\ntemperature = 0\ntop_k = 'hot'\ntop_p = true\n"
        "[tweets]\nprompts = ['a', '']",
        tmp_path,
        GPT2BOT_TWEETS__MAX_ROUNDS="none",
        GPT2BOT_SAMPLNG__TOP_K="1",
        GPT2BOT__STATEDIR="x",
    )
    file = tmp_path / "bot.toml"
    for part in (
        f"modle ({file}): unknown key; did you mean model?",
        f"sampling.temperature ({file}): must be a number greater than 0 and at most 100, not 0",
        f"sampling.top_k ({file}): must be a whole number of at least 0, not 'hot'",
        f"sampling.top_p ({file}): must be a number greater than 0 and at most 1, not 'true'",
        f"tweets.prompts.1 ({file}): must be one line and not blank, not ''",
        "tweets.max_rounds (GPT2BOT_TWEETS__MAX_ROUNDS): must be a whole number of at least 1, not",
        "samplng (GPT2BOT_SAMPLNG__TOP_K): unknown key; did you mean sampling?",
        "_statedir (GPT2BOT__STATEDIR): unknown key; did you mean state_dir?",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MODLE", "MODEL"),
        ("MODEL_DIR", "MODELS_DIR"),
        ("STATEDIR", "STATE_DIR"),
        ("THREAD", "THREADS"),
        ("X_CONSUMER_KEY", "X__CONSUMER_KEY"),
        ("X_API_KEY", "X__CONSUMER_KEY"),
        ("ACCESS_TOKEN", "X__ACCESS_TOKEN"),
        ("SAMPLING_TOP_K", "SAMPLING__TOP_K"),
        ("SAMPLNG_TOP_K", "SAMPLING__TOP_K"),
        ("TEMPERATURE", "SAMPLING__TEMPERATURE"),
        ("TWEET_LABEL", "TWEETS__LABEL"),
        ("CONF", "CONFIG"),
    ],
)
def test_a_variable_that_is_nearly_a_setting_is_warned_of(
    name: str, meant: str, messages: list[str]
) -> None:
    assert load(**{f"GPT2BOT_{name}": SECRET}) == load()
    assert messages == [
        f"GPT2BOT_{name} is not a setting and is ignored: did you mean GPT2BOT_{meant}?"
    ]


@pytest.mark.parametrize(
    "name",
    [
        # what Kubernetes says of a service of the name gpt2bot, gpt2bot-x, gpt2bot-model
        *("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP"),
        *("PORT_80_TCP_ADDR", "PORT_80_TCP_PORT", "PORT_80_TCP_PROTO", "PORT_53_UDP"),
        *("X_SERVICE_HOST", "X_SERVICE_PORT_HTTPS", "X_PORT", "X_PORT_443_TCP_ADDR", "MODEL_PORT"),
        # what Docker says of a linked container
        *("NAME", "ENV_PATH", "ENV_GPT2BOT_X__CONSUMER_KEY"),
        # what a deployment may say of itself
        *("VERSION", "IMAGE", "HOME", "DATA_DIR", "LOG_LEVEL", "REPLICAS", "DATABASE_URL", "TOKEN"),
    ],
)
def test_what_others_say_in_variables_of_this_name_is_ignored(
    name: str, messages: list[str]
) -> None:
    assert load(**{f"GPT2BOT_{name}": SECRET}) == load()
    assert not messages


@pytest.mark.parametrize("name", ["X__PORT", "SERVICE__HOST", "MODEL__NAME", "_MODEL", "X__Y__Z"])
def test_two_underscores_are_meant_for_the_bot(name: str, tmp_path: Path) -> None:
    message = complaint("", tmp_path, **{f"GPT2BOT_{name}": SECRET})
    assert f"(GPT2BOT_{name}): " in message
    assert SECRET not in message


@pytest.mark.parametrize("label", ["", "   ", "two\nlines"])
def test_a_label_is_one_line_that_is_not_empty(label: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"tweets\.label .* must be one line"):
        load(GPT2BOT_TWEETS__LABEL=label)
    assert "tweets.label" in complaint(f'[tweets]\nlabel = """{label}"""', tmp_path)


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "''", "[1]"])
def test_a_temperature_is_a_positive_number(value: str, tmp_path: Path) -> None:
    assert "sampling.temperature" in complaint(f"[sampling]\ntemperature = {value}", tmp_path)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 51])
def test_a_model_is_a_name_and_no_path(name: str, tmp_path: Path) -> None:
    assert f"model ({tmp_path / 'bot.toml'}): must be a name of" in complaint(
        f'model = "{name}"', tmp_path
    )


@pytest.mark.parametrize("url", ["", "example.org/models", "ftp://example.org", "https://"])
def test_a_base_url_is_a_web_address(url: str, tmp_path: Path) -> None:
    assert "download.base_url" in complaint(f'[download]\nbase_url = "{url}"', tmp_path)


def test_a_list_in_the_environment_is_json(tmp_path: Path) -> None:
    message = complaint("", tmp_path, GPT2BOT_TWEETS__PROMPTS="one, two")
    assert "tweets.prompts (GPT2BOT_TWEETS__PROMPTS): must be a list, in the" in message
    assert message.endswith(", not 'one, two'")


@pytest.mark.parametrize(
    "text",
    [
        f'[x]\nconsumer_secert = "{SECRET}"',  # a mistyped key
        f'consumer_key = "{SECRET}"',  # in no section
        f'[x]\nconsumer_key = ["{SECRET}"]',  # of a wrong type
        f'x = "{SECRET}"',  # a section of a wrong type
        f'[x]\nconsumer_key = "{SECRET}"\naccess_token = {SECRET}',  # not TOML
        f'[x]\nconsumer_key = "{SECRET}"\n[sampling]\ntop_k = -1',  # another key is wrong
    ],
)
def test_no_secret_is_ever_in_an_error(text: str, tmp_path: Path) -> None:
    assert SECRET not in complaint(text, tmp_path)
    assert SECRET not in complaint("", tmp_path, GPT2BOT_X__ACCESS_TOKN=SECRET)
    assert SECRET not in complaint("", tmp_path, GPT2BOT_X=SECRET)


def test_no_secret_is_shown_with_the_settings() -> None:
    assert SECRET not in repr(load(GPT2BOT_X__ACCESS_TOKEN=SECRET))


@dataclass(frozen=True)
class Notify:
    """A section that a later version may have."""

    token: SecretStr | None = None
    urls: tuple[SecretStr, ...] = ()
    attempts: Annotated[int, Ge(1)] = 3


class Extended(Settings):
    """Settings with one section more."""

    notify: Notify = Notify()


class TestSecretsOfANewSection:
    """A setting of type `SecretStr` is safe without a word about it anywhere else."""

    @pytest.fixture(autouse=True)
    def extended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(config, "Settings", Extended)

    @pytest.mark.parametrize(
        "text",
        [
            f'[notify]\ntoken = ["{SECRET}"]',
            f'[notify]\nurls = "{SECRET}"',
            f'[notify]\nurls = ["{SECRET}", 5]',
            f'[notify]\nurls = [["{SECRET}"]]',
            f'[notify]\ntokn = "{SECRET}"',
            f'[notify]\nurls = ["{SECRET}"]\nattempts = 0',
            f'[[notify]]\ntoken = "{SECRET}"',
            f'notify = "{SECRET}"',
            f'notify = ["{SECRET}"]',
            f'token = "{SECRET}"',
        ],
    )
    def test_they_are_in_no_error(self, text: str, tmp_path: Path) -> None:
        assert SECRET not in complaint(text, tmp_path)

    @pytest.mark.parametrize("name", ["", "__URLS", "__URL", "__TOKEN__0"])
    def test_nor_if_they_come_from_the_environment(self, name: str, tmp_path: Path) -> None:
        assert SECRET not in complaint("", tmp_path, **{f"GPT2BOT_NOTIFY{name}": f'["{SECRET}"'})

    def test_they_are_not_shown_with_the_settings(self) -> None:
        urls = f'["{SECRET}", "{SECRET}"]'
        settings: Any = load(GPT2BOT_NOTIFY__TOKEN=SECRET, GPT2BOT_NOTIFY__URLS=urls)
        assert settings.notify.urls[1].get_secret_value() == SECRET
        for shown in (repr(settings), str(settings.notify), str(settings.model_dump())):
            assert SECRET not in shown

    @pytest.mark.parametrize("key", [f'token = "{SECRET}"', f'urls = ["{SECRET}"]'])
    def test_a_file_with_them_that_others_can_read_is_warned_of(
        self, key: str, tmp_path: Path
    ) -> None:
        file = written(tmp_path / "config.toml", f"[notify]\n{key}")
        file.chmod(0o644)
        [warning] = load(file).warnings
        assert f"contains notify.{key.partition(' ')[0]}, and others can read it" in warning
        assert SECRET not in warning

    def test_what_is_no_secret_is_shown(self, tmp_path: Path) -> None:
        assert "must be a whole number of at least 1, not 0" in complaint(
            "[notify]\nattempts = 0", tmp_path
        )


def test_a_budget_pays_for_at_least_one_post(tmp_path: Path) -> None:
    said = complaint("[limits]\nmonthly_budget_usd = 0.01", tmp_path)
    assert "monthly_budget_usd must pay for at least one post" in said
    load(written(tmp_path / "enough.toml", "[limits]\nmonthly_budget_usd = 0.015"))


def test_a_blank_credential_is_none() -> None:
    assert "access_token" in load(GPT2BOT_X__ACCESS_TOKEN="  ").x.missing


@pytest.mark.parametrize(
    ("content", "wanted"),
    [(b"model = ", "not valid TOML"), (b'model = "\xff"', "not UTF-8"), (b"a = 1\na = 2", "TOML")],
)
def test_a_file_that_cannot_be_understood_is_named(
    content: bytes, wanted: str, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"{re.escape(str(file))} is {wanted}|{wanted}"):
        load(file)


@pytest.mark.parametrize(
    ("mode", "text", "warned"),
    [
        (0o644, '[x]\nconsumer_key = "a"', True),
        (0o640, '[x]\nconsumer_key = "a"', True),
        (0o600, '[x]\nconsumer_key = "a"', False),
        (0o644, "[x]\ntimeout = 5", False),
    ],
)
def test_a_file_with_keys_that_others_can_read_is_warned_of(
    mode: int, text: str, warned: bool, tmp_path: Path
) -> None:
    file = written(tmp_path / "config.toml", text)
    file.chmod(mode)
    assert (f"chmod 600 {file}" in " ".join(load(file).warnings)) is warned


def test_the_example_is_complete_and_equal_to_the_defaults(tmp_path: Path) -> None:
    file = written(tmp_path / "config.toml", EXAMPLE.read_text(encoding="utf-8"))
    assert load(file).model_dump() == load(written(tmp_path / "empty.toml", "")).model_dump()


def test_the_example_explains_each_key_as_its_class_does() -> None:
    """The comment above a key is its help. A key without a default is commented out itself."""
    text = EXAMPLE.read_text(encoding="utf-8")
    comments: dict[str, str] = {}
    section = ""
    for paragraph in re.split(r"\n(?:#? *\n)+", text):
        lines: list[str] = []
        for line in paragraph.splitlines():
            if line.startswith("["):
                section, lines = f"{line[1:-1]}.", []
            elif key := re.match(r"(?:# )?(\w+) = ", line):
                comments[section + key[1]], lines = " ".join(lines), []
            else:
                lines.append(line.removeprefix("# "))
    helps = {}
    for name, field in fields_of(Settings).items():
        if is_settings(field.kind):
            helps |= {f"{name}.{key}": of.help for key, of in fields_of(field.kind).items()}
        else:
            helps[name] = field.help
        assert field.help
    assert comments == helps


def test_the_keys_that_the_example_has_commented_out_are_all_the_others(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^# (\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"))
    (tmp_path / "models").mkdir()
    settings = load(written(tmp_path / "config.toml", text))
    assert settings.x == Account()
    assert settings.state_dir == tmp_path / "state"
    documented = tomllib.loads(text)
    assert documented.keys() == fields_of(Settings).keys()
    for section, value in documented.items():
        if isinstance(value, dict):
            assert value.keys() == fields_of(type(getattr(settings, section))).keys()
