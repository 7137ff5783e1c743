"""The commands of a bot: what it writes, posts and remembers. Their docstrings are their help."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path  # noqa: TC003 - the parser reads the annotations

from gpt2bot.cli.commands.options import AtLeastOne, NotNegative, Positive, Rows, Share, given
from gpt2bot.cli.log import show_problems_only
from gpt2bot.cli.terminal import show
from gpt2bot.errors import CheckError

logger = logging.getLogger(__name__)

__all__ = ["check", "history", "post", "sample", "status"]


def sample(
    *,
    prompt: str | None = None,
    nsamples: AtLeastOne = 1,
    raw: bool = False,
    seed: NotNegative | None = None,
    top_k: NotNegative | None = None,
    top_p: Share | None = None,
    temperature: Positive | None = None,
    length: AtLeastOne | None = None,
    model: str | None = None,
    json: bool = False,
    verbose: bool = False,
    config: Path | None = None,
) -> None:
    """Shows tweets as they would be posted, and posts nothing.

    What is not given is as configured.

    Args:
        prompt: What the tweets begin with.
        nsamples: How many tweets; 1 if not given.
        raw: Shows what the model writes, neither cut nor filtered nor labelled.
        seed: The same seed gives the same tweets.
        top_k: Each token is drawn from the N likeliest ones; 0 stands for all.
        top_p: Each token is drawn from the likeliest ones that together have this probability.
        temperature: Below 1 likely tokens become likelier, above 1 less so.
        length: The most tokens that the model adds to the prompt.
        model: The model's name.
        json: Prints a JSON object a line.
        verbose: Shows what the filter rejected, too, and why.
        config: The configuration file.
    """
    from gpt2bot.bot import drafting
    from gpt2bot.cli.render import render_candidate, render_raw
    from gpt2bot.config import load_settings

    settings = load_settings(config)
    sampling = given(top_k=top_k, top_p=top_p, temperature=temperature, length=length)
    settings = settings.model_copy(
        update=given(model=model) | {"sampling": replace(settings.sampling, **sampling)}
    )
    if raw:
        texts = drafting.sample_raw(settings, nsamples=nsamples, prompt=prompt, seed=seed)
        blocks = (render_raw(written, as_json=json) for written in texts)
    else:
        drafts = drafting.sample(settings, nsamples=nsamples, prompt=prompt, seed=seed)
        shown = (draft for draft in drafts if verbose or draft.verdict.accepted)
        blocks = (render_candidate(candidate, as_json=json) for candidate in shown)
    separator = "" if json else "---\n" if raw else "\n"
    for number, block in enumerate(blocks):
        show(separator * bool(number) + block)


def post(
    *,
    dry_run: bool = False,
    prompt: str | None = None,
    json: bool = False,
    config: Path | None = None,
) -> None:
    """Writes a tweet, filters it, labels it and posts it to X.

    A tweet that an earlier run could not post goes first.

    Args:
        dry_run: Shows the tweet and posts nothing; needs no keys and changes nothing.
        prompt: What the tweet begins with, instead of a configured prompt.
        json: Prints a JSON object.
        config: The configuration file.
    """
    from gpt2bot.bot import post as posting
    from gpt2bot.cli.render import render_result
    from gpt2bot.config import load_settings

    if not dry_run:
        show_problems_only()
    settings = load_settings(config)
    for warning in settings.warnings:
        logger.warning("warning: %s", warning)
    result = (posting.dry_run if dry_run else posting.post)(settings, prompt=prompt)
    show(render_result(result, as_json=json))


def status(*, json: bool = False, config: Path | None = None) -> None:
    """Shows how the bot is doing; asks nobody and changes nothing.

    Args:
        json: Prints a JSON object.
        config: The configuration file.
    """
    from gpt2bot.cli.render import render_status
    from gpt2bot.config import load_settings
    from gpt2bot.posting.status import read_status

    settings = load_settings(config)
    found = read_status(settings.state_dir, settings.limits, time.time())
    show(render_status(found, as_json=json))


def history(*, limit: Rows = 20, json: bool = False, config: Path | None = None) -> None:
    """Shows the last tweets and what became of each, the newest first.

    Args:
        limit: How many tweets; 20 if not given.
        json: Prints a JSON object a line.
        config: The configuration file.
    """
    from gpt2bot.cli.render import render_entry
    from gpt2bot.config import load_settings
    from gpt2bot.posting.status import read_history

    entries = read_history(load_settings(config).state_dir, limit)
    if not entries:
        logger.info("nothing was drafted yet")
    for number, entry in enumerate(entries):
        show("\n" * (number > 0 and not json) + render_entry(entry, as_json=json))


def check(*, online: bool = False, config: Path | None = None) -> None:
    """Looks whether all is well, and says what to do where it is not.

    It never posts, and changes nothing.

    Args:
        online: Tries the keys, too: reads the account's posts of the last minute, at $0.001 each.
        config: The configuration file.
    """
    from gpt2bot.bot.check import check as look
    from gpt2bot.cli.render import render_finding

    troubles = []
    for finding in look(config, online=online):
        show(render_finding(finding))
        troubles += [finding.error] if finding.error else []
    if troubles:
        raise CheckError(troubles)
