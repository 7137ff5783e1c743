"""What each answer from X means for the tweet and for the owner.

With a status from 400 to 499, X has refused the request, so nothing was posted. The tweet is given
up only if the answer says that the tweet itself is at fault. In doubt it is kept: no tweet is lost
because an account is suspended or a plan has ended. After any other answer the outcome is unknown.

The first matching row applies. A row without a status matches any answer from 400 to 499, except
408, that contains one of X's codes for this case, or words to that effect.

=====================  ===================  ================  ====
answer                 error                the tweet is      exit
=====================  ===================  ================  ====
201 with an id                              posted            0
201 that says no id    OutcomeUnknownError  unknown           8
account locked         AccountError         ready again       6
account suspended      AccountError         ready again       6
duplicate              DuplicateError       refused [#]_      6
too long               RefusedError         refused           6
text not valid         RefusedError         refused           6
taken for spam         SpamError            ready again [#]_  7
daily limit            RateLimitError       ready again [#]_  7
rate limit, 429        RateLimitError       ready again [#]_  7
no credits, 402        LimitError           ready again       7
not in the plan        PlanError            ready again       6
app may only read      AccountError         ready again       6
token not valid        AccountError         ready again       6
clock wrong            AccountError         ready again       6
a page, not JSON       NetworkError         ready again       8
keys not known, 401    AccountError         ready again       6
other 403              AccountError         ready again       6
other 4xx, but 408     AccountError         ready again       6
5xx, 408, 3xx          OutcomeUnknownError  unknown           8
=====================  ===================  ================  ====

If there is no answer, what matters is whether a byte of the tweet was sent (`transport.py`):

============================================  ===================  ===========  ====
failure                                       error                the tweet is exit
============================================  ===================  ===========  ====
no name, no proxy, no connection, no TLS      NetworkError         ready again  8
no connection in time                         NetworkError         ready again  8
no answer in time                             OutcomeUnknownError  unknown      8
reset while or after the tweet is sent        OutcomeUnknownError  unknown      8
============================================  ===================  ===========  ====

.. [#] unless an earlier attempt put it on the account's timeline: then it is posted.
.. [#] and no request is sent for an hour, after the next such answer for two hours, and so on up
       to a day (`refusals.py`). The exit code is 7, as for a limit, because it passes with time.
.. [#] and no request is sent before the time that X names; without one, for a day.
.. [#] and no request is sent before the time that X names; without one, for 15 minutes.

Sources: X's public documentation, 'Response codes and errors' and 'Rate limits'; for the codes, the
documentation of API v1.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2bot.errors import (
    AccountError,
    DuplicateError,
    GPT2BotError,
    LimitError,
    NetworkError,
    OutcomeUnknownError,
    PlanError,
    RateLimitError,
    RefusedError,
    SpamError,
)
from gpt2bot.posting.clock import DAY, MINUTE, local
from gpt2bot.posting.problem import WRONG_CLOCK, Problem, read_problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["NEXT_RUN", "READ_ONLY", "RULES", "error_for", "told"]

NEXT_RUN = "the next run looks for the tweet on the account before it posts anything"
RATE_WINDOW = 15 * MINUTE  # X counts requests in windows of this length

DECIDED = frozenset(range(400, 500)) - {408}  # X has read the request and refused it
OF_TWEET = frozenset({400, 403, 409, 413, 422})  # X can refuse a tweet for its text with these
NEVER = "(?!)"  # a pattern that matches no text


@dataclass(frozen=True)
class ResponseRule:
    """A row of the table: which answers match, and what they mean.

    Attributes:
        answer: Its name in the table.
        error: The error that it raises.
        advice: What the owner can do; `{clock}` stands for what is wrong with the clock.
        statuses: Any answer with one of these statuses matches.
        codes: X's error codes for this case.
        words: A pattern that matches X's words for this case.
        page: Whether any answer that is not JSON matches.
        among: The statuses among which `codes`, `words` and `page` apply.
        wait: How many seconds to send no request, if X does not say when its limit ends.
    """

    answer: str
    error: type[GPT2BotError]
    advice: str
    statuses: Collection[int] = ()
    codes: frozenset[int] = frozenset()
    words: str = NEVER
    page: bool = False
    among: Collection[int] = DECIDED
    wait: float = 0.0

    def fits(self, problem: Problem) -> bool:
        """Whether an answer matches this row."""
        is_named = bool(
            self.codes & problem.codes
            or re.search(self.words, problem.evidence, re.MULTILINE)
            or (self.page and problem.is_page)
        )
        return problem.status in self.statuses or (problem.status in self.among and is_named)


NOT_AGAIN = "this tweet will not be retried"
READ_ONLY = (
    "your token was made while the app was read-only: set the app to 'Read and write', make a new"
    " access token and secret, and put them in the configuration"
)
SEE_X = "log in to X and to its developer console, and check what they ask for"
TWEET = r"\b(tweet|post|text|(?<!account )status)\b"

RULES = (
    ResponseRule(
        "account locked",
        AccountError,
        "log in to X with the bot's account and unlock it",
        codes=frozenset({326}),
        words=r"\baccount\b.*\blocked\b|\blocked\b.*\baccount\b|\bunlock\b",
    ),
    ResponseRule(
        "account suspended",
        AccountError,
        f"the account or the app is suspended: {SEE_X}",
        codes=frozenset({63, 64, 416}),
        words=r"\bsuspended\b",
    ),
    ResponseRule(
        "duplicate",
        DuplicateError,
        NOT_AGAIN,
        codes=frozenset({187}),
        words=r"\bduplicate (content|tweet|post|status|text)\b"
        rf"|{TWEET} is a duplicate\b|\balready (said|sent|posted|tweeted) (that|this)\W*$",
        among=OF_TWEET,
    ),
    ResponseRule(
        "too long",
        RefusedError,
        NOT_AGAIN,
        codes=frozenset({186}),
        words=rf"{TWEET}.{{0,40}}\b(too long|character limit|\d+ characters)\b|\bbit shorter\b",
        among=OF_TWEET,
    ),
    ResponseRule(
        "text not valid",
        RefusedError,
        NOT_AGAIN,
        words=r"\b(invalid|illegal|malformed|prohibited|unsupported) ((tweet|post) )?"
        r"(text|content|characters?)\b(?![ -](type|length|encoding))"
        rf"|{TWEET} is (not valid|invalid)\b"
        rf"|\b(this|your) {TWEET}.{{0,40}}\b(contains|violates|harmful|malicious)\b"
        r"|^\$\.text\b(?!.*\b(not defined|required|missing)\b)",
        among=OF_TWEET,
    ),
    ResponseRule(
        "taken for spam",
        SpamError,
        "X treats the bot as spam: run it less often, make sure that its tweets differ from one"
        " another, and give the account the label 'Automated'",
        codes=frozenset({226}),
        words=r"\bautomated\b|\bspam\b",
    ),
    ResponseRule(
        "daily limit",
        RateLimitError,
        "a daily or monthly limit of X is used up: run the bot less often",
        codes=frozenset({185, 344}),
        words=r"\b(daily|monthly)\b.*\b(limit|cap)\b|\busage[ -]?cap"
        r"|\b(limit|cap)\b.*\b(today|daily|monthly|per day|24 hours?)\b|\bpost(ing)? cap\b",
        wait=DAY,
    ),
    ResponseRule(
        "rate limit, 429",
        RateLimitError,
        "run the bot less often",
        statuses=(420, 429),
        codes=frozenset({88}),
        words=r"\brate limit\b|\btoo many requests\b",
        wait=RATE_WINDOW,
    ),
    ResponseRule(
        "no credits, 402",
        LimitError,
        "buy credits or raise the spending cap in X's developer console",
        statuses=(402,),
        words=r"\bcredits|\bspend(ing)? cap\b",
    ),
    ResponseRule(
        "not in the plan",
        PlanError,
        "the app's plan or project does not allow this: see X's developer console",
        codes=frozenset({453}),
        words=r"\bclient-(not-enrolled|forbidden)\b|\baccess level\b|\battached to a project\b"
        r"|\bsubset of\b.*\bendpoints\b",
    ),
    ResponseRule(
        "app may only read",
        AccountError,
        READ_ONLY,
        codes=frozenset({261}),
        words=r"permissions\b|\bread[ -]only\b|\bcannot perform write\b",
    ),
    ResponseRule(
        "token not valid",
        AccountError,
        "the access token was revoked or has expired: make a new access token and secret in X's"
        " developer console, and put them in the configuration",
        codes=frozenset({89}),
        words=r"\b(invalid|expired|revoked)( or (invalid|expired|revoked))? (access )?token\b"
        r"|\btoken\b.{0,20}\b(invalid|expired|revoked)\b|\binvalid_token\b",
    ),
    ResponseRule(
        "clock wrong",
        AccountError,
        "this machine's clock is {clock}: correct it and run again",
        codes=frozenset({135}),
        words=rf"\btimestamp\b|{WRONG_CLOCK}",
        among=(400, 401, 403),
    ),
    ResponseRule(
        "a page, not JSON",
        NetworkError,
        "check HTTPS_PROXY and this machine's network, and run again later",
        page=True,
    ),
    ResponseRule(
        "keys not known, 401",
        AccountError,
        "check the four keys in [x]: they must be complete and belong to the same app",
        statuses=(401,),
        codes=frozenset({32, 99, 215}),
        words=r"\bcould not authenticate\b|\bbad authentication\b",
    ),
    ResponseRule(
        "other 403",
        AccountError,
        f"the account, the app or its plan does not allow this now: {SEE_X}",
        statuses=(403,),
    ),
    OTHER := ResponseRule(
        "other 4xx, but 408",
        AccountError,
        "X's API may have changed: upgrade gpt2bot",
        statuses=DECIDED,
    ),
    UNKNOWN := ResponseRule(
        "5xx, 408, 3xx",
        OutcomeUnknownError,
        f"whether the tweet was posted is not known; {NEXT_RUN}",
        statuses=frozenset(range(1000)) - DECIDED,
    ),
)
NOT_READ = ResponseRule("a read that failed", NetworkError, "run again later")


def error_for(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    reading: bool = False,
    secrets: tuple[str, ...] = (),
) -> GPT2BotError:
    """Returns the error for an unsuccessful answer.

    Args:
        status: The HTTP status.
        headers: The HTTP headers, case-insensitive.
        body: The body; the message quotes X's words from it.
        reading: Whether the request only reads.
        secrets: Strings to mask in X's words.
    """
    problem = read_problem(status, headers, body, secrets)
    rule = next(rule for rule in RULES if rule.fits(problem))
    if reading and rule is UNKNOWN:
        rule = NOT_READ
    elif reading and rule.error in (RefusedError, DuplicateError):
        rule = OTHER
    said = told(problem)
    advice = rule.advice.format(clock=problem.clock)
    if not issubclass(rule.error, RateLimitError):
        return rule.error(f"{said}: {advice}")
    until = problem.limit_end
    if until is None and rule.wait == RATE_WINDOW:
        until = problem.window_end
    end = f"; this lasts until {local(until)}" if until else ""
    return rule.error(f"{said}{end}: {advice}", until, rule.wait)


def told(problem: Problem) -> str:
    """What X answered, in its own words if there are any."""
    words = f" ({problem.said})" if problem.said else ""
    page = " with a page from a proxy or CDN, not from X's API"
    return f"X answered {problem.status}{page * problem.is_page}{words}"
