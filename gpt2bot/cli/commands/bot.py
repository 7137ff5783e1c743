"""The commands that run and inspect a bot. Their docstrings are their help."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path  # noqa: TC003 - the parser reads the annotations

from gpt2bot.cli.commands.options import (
    ConfiguredModel,
    Length,
    NSamples,
    Outcome,
    Rows,
    Seed,
    Temperature,
    TopK,
    TopP,
    TweetNumber,
    given,
)
from gpt2bot.cli.log import show_problems_only
from gpt2bot.cli.terminal import show, use_utc, width
from gpt2bot.errors import CheckError

logger = logging.getLogger(__name__)

__all__ = ["check", "history", "post", "resolve", "sample", "status"]


def sample(
    *,
    prompt: str | None = None,
    nsamples: NSamples = 1,
    raw: bool = False,
    seed: Seed | None = None,
    top_k: TopK | None = None,
    top_p: TopP | None = None,
    temperature: Temperature | None = None,
    length: Length | None = None,
    model: ConfiguredModel | None = None,
    json: bool = False,
    verbose: bool = False,
    config: Path | None = None,
) -> None:
    """Shows tweets as they would be posted, but posts nothing.

    Args:
        prompt: The beginning of the tweets, instead of the configured prompts.
        nsamples: The number of tweets.
        raw: Shows the raw text of the model: not cut, filtered or labelled.
        seed: The same seed gives the same tweets. Without it, the tweets differ each time.
        model: The model that writes the tweets.
        json: Prints a JSON object per line.
        verbose: Also shows the rejected candidates and the reasons.
        config: The configuration file.

    Examples:
        gpt2bot sample -n 5
        gpt2bot sample --prompt "My cat" --temperature 0.7
        gpt2bot sample --raw --length 200 --seed 1
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
        dry_run: Shows the tweet that would be posted now. Needs no keys and changes nothing.
        prompt: The beginning of the tweet, instead of a configured prompt.
        json: Prints a JSON object.
        config: The configuration file.

    Examples:
        gpt2bot post --dry-run
        gpt2bot post --config ~/bot/config.toml
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


def status(*, json: bool = False, utc: bool = False, config: Path | None = None) -> None:
    """Shows how the bot is doing. Works offline and changes nothing.

    Args:
        json: Prints a JSON object.
        utc: Shows times in UTC instead of local time. JSON always uses UTC.
        config: The configuration file.

    Examples:
        gpt2bot status
        gpt2bot status --json
    """
    from gpt2bot.cli.render import render_status
    from gpt2bot.config import load_settings
    from gpt2bot.posting.status import read_status

    if utc:
        use_utc()
    settings = load_settings(config)
    found = read_status(settings.state_dir, settings.limits, time.time())
    show(render_status(found, as_json=json))


def history(
    *, limit: Rows = 20, json: bool = False, utc: bool = False, config: Path | None = None
) -> None:
    """Shows the latest tweets and what became of each, newest first.

    Args:
        limit: The number of tweets.
        json: Prints a JSON object per line.
        utc: Shows times in UTC instead of local time. JSON always uses UTC.
        config: The configuration file.

    Examples:
        gpt2bot history
        gpt2bot history --limit 100 --json
    """
    from gpt2bot.cli.render import render_entry
    from gpt2bot.config import load_settings
    from gpt2bot.posting.status import read_history

    if utc:
        use_utc()
    entries = read_history(load_settings(config).state_dir, limit)
    if not entries:
        logger.info("no tweet has been drafted yet")
    for number, entry in enumerate(entries):
        show("\n" * (number > 0 and not json) + render_entry(entry, as_json=json))


def resolve(
    id: TweetNumber,  # noqa: A002 (the name on the command line)
    outcome: Outcome,
    *,
    tweet_id: str | None = None,
    config: Path | None = None,
) -> None:
    """Tells the bot whether a tweet of unknown outcome was posted.

    Use it if the bot cannot find out itself because X does not let it read the account's posts.
    Nothing is sent. A tweet that is absent becomes ready again, and a later run posts it.

    Args:
        id: The tweet's number, as `gpt2bot status` shows it.
        outcome: Whether the tweet is on the account.
        tweet_id: The number of the post on X: the digits at the end of its address.
        config: The configuration file.

    Examples:
        gpt2bot resolve 3 absent
        gpt2bot resolve 3 posted --tweet-id 1990000000000000000
    """
    from gpt2bot.cli.render import render_entry
    from gpt2bot.config import load_settings
    from gpt2bot.posting.outbox import Outbox
    from gpt2bot.posting.reconcile import resolve as decide
    from gpt2bot.posting.state_folder import exclusive

    folder = load_settings(config).state_dir
    with exclusive(folder), Outbox(folder, create=False) as outbox:
        entry = decide(outbox, id, outcome, tweet_id=tweet_id, now=time.time())
    show(render_entry(entry, as_json=False))


def check(*, online: bool = False, utc: bool = False, config: Path | None = None) -> None:
    """Checks whether the next run can work, and says what to fix if not.

    The exit code is the one that the run would have. Nothing is posted.

    Args:
        online: Also tests the keys with X. Asking whose keys they are costs $0.010; reading the
            account's posts of the last minute costs $0.001 per post.
        utc: Shows times in UTC instead of local time.
        config: The configuration file.

    Examples:
        gpt2bot check
        gpt2bot check --online
    """
    from gpt2bot.bot.check import check as look
    from gpt2bot.cli.render import render_finding

    if utc:
        use_utc()
    troubles = []
    for finding in look(config, online=online):
        show(render_finding(finding, width()))
        troubles += [finding.error] if finding.error else []
    if troubles:
        raise CheckError(troubles)
