"""The analyses as findings: each a table, a picture and what to keep in mind."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from psyloom.errors import FolderTrouble, UsageError
from psyloom.judging.agreement.bootstrap import Estimate, bootstrap
from psyloom.judging.analysis.draw import dots, heatmap, lines
from psyloom.judging.analysis.history import History, history
from psyloom.judging.analysis.outcome import against_outcome, lasso_path, shares, with_any
from psyloom.judging.analysis.rates import ASIDE, Rates, distances, early_late, next_behavior, next_reaction, stages
from psyloom.judging.analysis.rates import transitions as transition_rates
from psyloom.judging.analysis.sessions import Coded, Scheme
from psyloom.judging.analysis.words import say
from psyloom.records import Lang, Speaker


@dataclass(frozen=True)
class Finding:
    """One analysis. ``name`` is the picture's file name without suffix; a cell is a text, a number or an estimate."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    note: str
    picture: str

    def save(self, folder: Path) -> Path:
        """Write the picture as NAME.svg into a folder."""
        path = folder / f"{self.name}.svg"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(self.picture, encoding="utf-8", newline="\n")
        except OSError as trouble:
            raise FolderTrouble(f"cannot write {path}: {trouble}", do="check the path and its rights") from trouble
        return path


def reactions_report(
    sessions: Sequence[Coded], *, lang: Lang = "en", resamples: int = 1000, seed: int = 0
) -> Iterator[Finding]:
    """How often each reaction is, reaction given strategy, stages, early and late; with scores also against outcome.

    What the data cannot show (too few scores, no challenge that was answered) is left out.
    """
    scheme = sessions[0].scheme
    yield _shares(sessions, lang, resamples, seed)
    by_strategy = next_behavior(sessions, resamples=resamples, seed=seed)
    yield _matrix(
        "behavior_given_strategy",
        say("P(next client behavior | strategy)", lang),
        by_strategy,
        scheme,
        lang,
        ("counselor", "client"),
    )
    yield _groups(sessions, lang, resamples, seed)
    yield _distances(by_strategy, scheme, lang)
    yield from _stages(sessions, lang, resamples, seed)
    if sum(one.outcome is not None and bool(one.labels("client")) for one in sessions) >= 3:
        yield from _outcome(sessions, lang, resamples, seed)
    try:
        before = history(sessions, seed=seed)
    except UsageError:  # not both kinds of answers to a challenge that had something before it
        return
    yield _history(before, lang)


def transitions_report(
    sessions: Sequence[Coded], *, lang: Lang = "en", resamples: int = 1000, seed: int = 0
) -> Iterator[Finding]:
    """Which strategy follows which."""
    rates = transition_rates(sessions, resamples=resamples, seed=seed)
    title = say("P(next strategy | strategy)", lang)
    yield _matrix("transitions", title, rates, sessions[0].scheme, lang, ("counselor", "counselor"))


def _matrix(name: str, title: str, rates: Rates, scheme: Scheme, lang: Lang, sides: tuple[Speaker, Speaker]) -> Finding:
    """The table lists what was seen, the most frequent first; the picture shows everything."""
    rows, columns = (
        [scheme.name(side, id_, lang) for id_ in ids]
        for side, ids in zip(sides, (rates.rows, rates.columns), strict=True)
    )
    cells = [
        (int(rates.counts[r, c]), (row, column, rates.shares[r][c], int(rates.of[r, c])))
        for r, row in enumerate(rows)
        for c, column in enumerate(columns)
        if rates.counts[r, c]
    ]
    listed = tuple(cell for _, cell in sorted(cells, key=lambda one: -one[0]))
    picture = heatmap(title, rows, columns, [[one.value for one in row] for row in rates.shares])
    return Finding(
        name,
        title,
        _said(lang, "from", "to", "share [95 %]", "of"),
        listed,
        say("chi-square test of equal rows: p = {}", lang, _p(rates.p, lang)),
        picture,
    )


def _shares(sessions: Sequence[Coded], lang: Lang, resamples: int, seed: int) -> Finding:
    """Each reaction and behavior: its share of all client sentences, and the mean of the sessions' shares."""
    scheme = sessions[0].scheme
    spoken = [one for one in sessions if one.labels("client")]
    sizes, of_session = [len(one.labels("client")) for one in spoken], [shares(one) for one in spoken]
    rows: list[tuple[object, ...]] = []
    for id_ in of_session[0] if spoken else ():
        each = [one[id_] for one in of_session]
        count = round(sum(share * size for share, size in zip(each, sizes, strict=True)))
        mean = bootstrap(partial(_mean_at, each), len(each), resamples=resamples, seed=seed)
        rows.append((scheme.name("client", id_, lang), count, count / sum(sizes), mean))
    title = say("Share of each client behavior and reaction", lang)
    picture = dots(title, [(str(row[0]), row[3]) for row in rows if isinstance(row[3], Estimate)], zero=True)
    columns = _said(lang, "behavior or reaction", "sentences", "share of all", "mean of sessions [95 %]")
    return Finding("shares", title, columns, tuple(rows), "", picture)


def _mean_at(values: Sequence[float], rows: Any) -> float:
    return float(sum(values[row] for row in rows) / len(rows))


def _groups(sessions: Sequence[Coded], lang: Lang, resamples: int, seed: int) -> Finding:
    rates, scheme = next_reaction(sessions, resamples=resamples, seed=seed), sessions[0].scheme
    rows = tuple(
        (
            scheme.name("counselor", row, lang),
            scheme.name("client", column, lang),
            rates.share(row, column),
            int(rates.of[r, 0]),
        )
        for r, row in enumerate(rates.rows)
        for column in rates.columns
        if rates.of[r, 0]
    )
    shown = [(f"{row[0]} → {row[1]}", row[2]) for row in rows]
    title = say("P(client reaction | counselor intention)", lang)
    note = say("chi-square test of equal rows: p = {}", lang, _p(rates.p, lang))
    columns = _said(lang, "intention", "reaction", "share [95 %]", "of")
    return Finding("reaction_given_intention", title, columns, rows, note, dots(title, shown, zero=True))


def _distances(rates: Rates, scheme: Scheme, lang: Lang) -> Finding:
    groups = [scheme.group("counselor", id_) for id_ in rates.rows]
    found = distances(rates, groups)
    # No row is any distance away from a group of which no other row was seen.
    known = {group for far in found.values() for group, one in far.items() if not math.isnan(one)}
    named = tuple(group for group in dict.fromkeys(groups) if group in known)
    heads = tuple(say("to {}", lang, scheme.name("counselor", group, lang)) for group in named)
    away = {scheme.name("counselor", row, lang): [far.get(g, math.nan) for g in named] for row, far in found.items()}
    title = say("Mean distance of a strategy's row to the rows of each group", lang)
    shown = [
        (f"{row} {head}", Estimate(one)) for row, far in away.items() for head, one in zip(heads, far, strict=True)
    ]
    rows, picture = tuple((row, *far) for row, far in away.items()), dots(title, shown)
    columns, note = (say("strategy", lang), *heads), say("Euclidean distance of the shares", lang)
    return Finding("distances", title, columns, rows, note, picture)


def _stages(sessions: Sequence[Coded], lang: Lang, resamples: int, seed: int) -> Iterator[Finding]:
    rates = stages(sessions, resamples=resamples, seed=seed)
    change = early_late(sessions, resamples=resamples, seed=seed)
    title = say("Fifths of a session", lang)
    rows = tuple(
        (f"{row}{' *' if int(row) in ASIDE else ''}", *shares)
        for row, shares in zip(rates.rows, rates.shares, strict=True)
    )
    columns = _said(lang, "part", "challenging", "extending after challenging", "defending after challenging")
    series = [(name, [shares[c] for shares in rates.shares]) for c, name in enumerate(columns[1:])]
    picture = lines(title, rates.rows, series, shaded=[part - 1 for part in ASIDE])
    note = say("* much of these parts is greeting and arrangement", lang)
    yield Finding("stages", title, columns, rows, note, picture)
    title = say("Early and late: part 4 minus part 2", lang)
    listed = tuple((name, one) for name, one in zip(columns[1:], change.values(), strict=True))
    heads = ("", say("difference [95 %]", lang))
    yield Finding("early_late", title, heads, listed, "", dots(title, list(listed), zero=True))


def _outcome(sessions: Sequence[Coded], lang: Lang, resamples: int, seed: int) -> Iterator[Finding]:
    scheme = sessions[0].scheme
    against = against_outcome(sessions, resamples=resamples, seed=seed)
    title = say("Outcome score by share of negative reactions", lang)
    rows = tuple((f"{low:.3f} - {high:.3f}", mean, number) for low, high, mean, number in against.groups)
    told = (against.r, _p(against.p, lang), len(against.sessions))
    note = say("Pearson r = {}, p = {}, {} sessions; a correlation is no cause", lang, *told)
    yield Finding("outcome", title, _said(lang, "negative share", "mean score [95 %]", "sessions"), rows, note,
                  dots(title, [(str(row[0]), one[2]) for row, one in zip(rows, against.groups, strict=True)]))  # fmt: skip
    title = say("Outcome of sessions with at least one ...", lang)
    names = {
        "all": say("(all sessions)", lang),
        "negative": scheme.name("client", "negative", lang) if "negative" in scheme.groups("client") else "negative",
    }
    kept = [
        (names.get(id_) or scheme.name("client", id_, lang), mean, number)
        for id_, (mean, number) in with_any(sessions, resamples=resamples, seed=seed).items()
    ]
    yield Finding("outcome_with", title, _said(lang, "behavior", "mean score [95 %]", "sessions"), tuple(kept), "",
                  dots(title, [(name, mean) for name, mean, _ in kept]))  # fmt: skip
    path = lasso_path(sessions)
    title = say("Lasso: how long a behavior stays while the L1 weight grows", lang)
    stays = [
        (scheme.name("client", id_, lang), alpha, float(path.coefficients[0][path.behaviors.index(id_)]))
        for id_, alpha in path.survives().items()
    ]
    columns = _said(lang, "behavior", "stays up to", "coefficient at the smallest weight")
    yield Finding("lasso", title, columns, tuple(stays), "",
                  dots(title, [(name, Estimate(alpha)) for name, alpha, _ in stays], zero=True))  # fmt: skip


def _history(found: History, lang: Lang) -> Finding:
    title = say("Extending rather than defending after a challenge, by what came before", lang)
    rows = tuple((say(name, lang), one, _p(found.p[name], lang)) for name, one in found.coefficients.items())
    told = (found.challenges, found.extending, f"{found.accuracy:.0%}")
    note = say("{} challenges, {} extended; told right: {}", lang, *told)
    picture = dots(title, [(say(name, lang), one) for name, one in found.coefficients.items()], zero=True)
    return Finding("history", title, _said(lang, "earlier pairs", "log odds [95 %]", "p"), rows, note, picture)


def _said(lang: Lang, *words: str) -> tuple[str, ...]:
    return tuple(say(word, lang) for word in words)


def _p(value: float, lang: Lang) -> str:
    return say("undefined", lang) if math.isnan(value) else f"{value:.3g}"
