"""Lines for the rehearsal of this system: the counselor's by strategy, the client's by session."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from random import Random
from typing import TYPE_CHECKING, ClassVar, TypeVar

from pydantic import BaseModel, create_model

from psyloom.llm.rehearsal.speech import client_lines, crisis_lines, quotes_of
from psyloom.records import Speaker

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

Turns = Sequence[tuple[Speaker, str]]
A = TypeVar("A", bound=BaseModel)


@cache
def in_session(kind: type[A], session: int) -> type[A]:
    """The same answer, whose rehearsal knows which session it is."""
    return create_model(kind.__name__, __base__=kind, session=(ClassVar[int], session))


def counselor_line(actor: "Actor", strategies: Sequence[str], turns: Turns) -> str:
    """What the counselor says with one of these strategies; new in these turns as long as the stock lasts.

    Words of the client that sound an alarm come first, whatever the plan has.
    """
    if urgent := crisis_lines(actor, turns):
        return urgent[0]
    said = {text for who, text in turns if who == "counselor"}
    stock, task, gap = actor.stock["cbt"], task_of(actor), "" if actor.cue.lang == "zh" else " "
    quotes = _heard(actor, turns)
    parts = [stock[name] for name in strategies]
    parts += [stock["homework_review"]] if "homework" in strategies and actor.homework else []
    lines: list[str] = [line for part in parts for line in part if quotes or "{w}" not in line]
    phases = ("explore", "examine", "solve") if turns else ("open",)
    lines = lines or [line for phase in phases for line in actor.stock["counselor"][phase] if "{q}" not in line]
    actor.rng.shuffle(lines)
    actor.rng.shuffle(quotes)
    new = actor.left(lines, "\n".join(said))  # a question is asked of something else only after all others
    lines = [*new, *(line for line in lines if line not in new)]
    leads = stock["leads"]
    starts = chain(("", *leads), (line + gap for line in lines), (one + other for one in leads for other in leads))
    found = ((start + line).format(w=quote, t=task) for start in starts for quote in quotes or [""] for line in lines)
    return next((line for line in found if line not in said), lines[0].format(w="".join(quotes[:1]), t=task))


def _heard(actor: "Actor", turns: Turns) -> list[str]:
    """Clauses of the client's own story to be quoted."""
    stock = actor.stock["cbt"]
    week = [line.replace("{t}", task_of(actor)) for line in (*stock["tried"], *stock["week"])]
    told = [text for who, text in turns if who == "client"]
    found = (
        quote for text in told[:12] + told[12:][-4:] for quote in quotes_of(actor, text)
    )  # a long session is read in part
    return [quote for quote in dict.fromkeys(found) if not any(quote in line for line in week)]


def closing_line(actor: "Actor") -> str:
    """How the counselor ends a session: the homework once more, then its leave."""
    homework = actor.stock["cbt"]["homework_closing"].format(t=task_of(actor))
    return f"{homework}{'' if actor.cue.lang == 'zh' else ' '}{actor.rng.choice(actor.stock['counselor']['close'])}"


def task_of(actor: "Actor") -> str:
    """The homework of this rehearsal: what was agreed on last, else the same for whoever speaks of it."""
    return next(iter(actor.homework), "") or Random(_dialogue(actor)).choice(list[str](actor.stock["cbt"]["tasks"]))


def week_of(actor: "Actor", session: int) -> tuple[str, str]:
    """What became of the homework before a session, and how the week was."""
    tried, week = actor.stock["cbt"]["tried"], actor.stock["cbt"]["week"]
    first = Random(_dialogue(actor)).randrange(len(week))
    return tried[(session - 2) % len(tried)].format(t=task_of(actor)), week[(first + session) % len(week)]


def _dialogue(actor: "Actor") -> str:
    return actor.cue.seed.rsplit("/", 2)[0]


def client_line(actor: "Actor", turns: Turns, session: int, sessions: int = 6) -> str:
    """What the client says in a session: how the week was, its share of the story, answers, replies of the stock."""
    said = {text for who, text in turns if who == "client"}
    ends = bool(turns) and any(line in turns[-1][1] for line in actor.stock["counselor"]["close"])
    share = actor.words[session - 1 :: sessions] if len(actor.words) >= sessions else actor.words
    words, order = actor.words, actor.order
    actor.words = [*(week_of(actor, session) if session > 1 else ()), *share]
    actor.order = f"{order}/{session}"
    lines = chain(client_lines(actor, turns, may_close=ends), _pairs(actor))
    found = next((line for line in lines if line not in said), str(actor.stock["client"]["respond"][0]))
    actor.words, actor.order = words, order
    return found


def _pairs(actor: "Actor") -> Iterator[str]:
    """Replies of the stock with something before them; what is left when a long session has used up the rest."""
    client, gap = actor.stock["client"], "" if actor.cue.lang == "zh" else " "
    for second in client["respond"]:
        for first in (*client["lead"], *(line for line in client["respond"] if line != second)):
            yield f"{first.strip()}{gap}{second}"
