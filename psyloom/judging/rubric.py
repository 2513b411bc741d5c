"""Scoring: from what a rater gave to what an instrument says about it. Every score is computed here, never by a model."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from psyloom.errors import UsageError
from psyloom.judging.agreement.table import rater_name, unit_name
from psyloom.judging.outcomes import pooled_outcomes
from psyloom.knowledge.instruments import Instrument
from psyloom.knowledge.items import Item, Subscale
from psyloom.records import ItemRating, Lang, Rater, Rating, Subject

_PREFERENCE = {"win": 1.0, "tie": 0.5, "loss": 0.0}


@dataclass(frozen=True)
class Scores:
    """One rater's judgment of one subject, scored; several samples are averaged item by item first.

    items:   mean value of each item as rated, before any reversal; yes is 1 and no 0; of a pairwise item the share of
             comparisons that the subject's dialogue won, a tie being half.
    values:  subscales, ratios and "total"; one that lacks an item, or divides by 0, is not in it.
    bands:   score -> what its cut-offs call it; alarms: id -> what it says, e.g. "safety".
    outcomes: of a decision tree: dimension -> outcome; one that cannot be told is not in it.
    missing: items without a value: not answered, or failed (``failed`` of all ``asked`` judgments).
    """

    title: str
    subject: Subject
    rater: Rater
    samples: int
    items: Mapping[str, float]
    values: Mapping[str, float]
    bands: Mapping[str, str]
    alarms: Mapping[str, str]
    outcomes: Mapping[str, str]
    missing: tuple[str, ...]
    asked: int
    failed: int


def score(ratings: Rating | Sequence[Rating], instrument: Instrument, lang: Lang = "en") -> Scores:
    """Score one rating, or the samples of one rater on one subject.

    Raises:  UsageError for no rating, ratings of different subjects or raters, and as ``check``.
    """
    samples = [ratings] if isinstance(ratings, Rating) else list(ratings)
    if not samples:
        raise UsageError("there is no rating to score", do="give at least one")
    for rating in samples:
        check(rating, instrument)
    if len({(unit_name(r.subject), rater_name(r.rater)) for r in samples}) > 1:
        raise UsageError("the samples are of different subjects or raters", do="score each by itself: `results`")
    items = _means(samples, instrument)
    values = values_of(items, instrument)
    parts = [part for rating in samples for part in rating.items]
    return Scores(
        title=instrument.title(lang, samples[0].rater.kind),
        subject=samples[0].subject,
        rater=samples[0].rater,
        samples=len(samples),
        items=items,
        values=values,
        bands=_bands(values, instrument, lang),
        alarms=_alarms(samples, items | values, instrument, lang),
        outcomes=pooled_outcomes(samples, instrument),
        missing=tuple(item.id for item in instrument.items if not _answered(item, samples)),
        asked=len(parts),
        failed=sum(part.failure is not None for part in parts),
    )


def check(rating: Rating, instrument: Instrument) -> None:
    """Make sure that a rating can be scored with this instrument.

    Raises:  UsageError when it was made with another one, another version or another scale, or when a value is off
             its item's scale; UnknownName for an item that the instrument does not have.
    """
    where = f"rating {rating.id!r}"
    made = (rating.instrument, rating.instrument_version)
    if made != (instrument.id, instrument.version):
        what = f"{where} was made with {made[0]!r} version {made[1]!r}, not {instrument.id!r} {instrument.version!r}"
        raise UsageError(what, do="score it with the instrument it was made with")
    if rating.scale and instrument.scale and rating.scale != instrument.scale:
        low, high = rating.scale
        what = f"{where} is on the scale {low:g}-{high:g}, the instrument on {instrument.scale[0]:g}-{instrument.scale[1]:g}"
        raise UsageError(what, do=f"take the instrument on its scale: {instrument.id}@{low:g}-{high:g}")
    for part in rating.items:
        if part.value is not None and (wrong := fault(instrument[part.item], part.value)):
            raise UsageError(f"{where}, item {part.item!r}: {wrong}", do="mend the rating")


def fault(item: Item, value: float | bool | str) -> str | None:
    """What is wrong with ``value`` as an answer to ``item``; None when nothing is."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if item.scaled and not (number and _on_scale(item, float(value))):
        steps = "" if item.kind == "span" else f" in steps of {item.step:g}"
        return f"{value!r} is no value from {item.low:g} to {item.high:g}{steps}"
    if item.kind == "binary" and not (isinstance(value, bool) or value in (0, 1)):
        return f"{value!r} is neither yes nor no"
    if item.kind == "count" and not (number and value == int(value) >= 0):
        return f"{value!r} is no count"
    allowed = tuple(_PREFERENCE) if item.kind == "pairwise" else tuple(option.id for option in item.options)
    if allowed and value not in allowed:
        return f"{value!r} is none of {', '.join(allowed)}"
    return None


def _on_scale(item: Item, value: float) -> bool:
    steps = (value - item.low) / item.step
    return item.low <= value <= item.high and abs(steps - round(steps)) < 1e-6


def number(item: Item, value: float | bool | str) -> float | None:
    """The number that a value stands for; None for words that stand for none."""
    if isinstance(value, str):
        return _PREFERENCE[value] if item.kind == "pairwise" else item.option(value).value if item.options else None
    return float(value)


def _means(samples: Sequence[Rating], instrument: Instrument) -> dict[str, float]:
    given: dict[str, list[float]] = defaultdict(list)
    for part in (part for rating in samples for part in rating.items):
        item = instrument[part.item]
        if part.value is not None and (found := number(item, part.value)) is not None:
            given[item.id].append(found)
    return {item.id: fmean(given[item.id]) for item in instrument.items if given[item.id]}


def _answered(item: Item, samples: Sequence[Rating]) -> bool:
    return any(part.item == item.id and part.value is not None for rating in samples for part in rating.items)


def values_of(items: Mapping[str, float], instrument: Instrument) -> dict[str, float]:
    """Subscales, ratios and the total, as far as the items allow; ``items``: id -> mean value as rated."""
    found: dict[str, float | None] = {s.id: _aggregate(s, items, instrument) for s in instrument.subscales}
    for ratio in instrument.ratios:
        known = all(name in items for name in (*ratio.of, *ratio.over))
        below = sum(items[name] for name in ratio.over) if known else 0
        found[ratio.id] = sum(items[name] for name in ratio.of) / below if below else None
    if instrument.total:
        ids = tuple(item.id for item in instrument.items)
        whole = Subscale(id="total", en="Total", zh="总分", items=ids, aggregate=instrument.total)
        found["total"] = _aggregate(whole, items, instrument)
    return {name: value for name, value in found.items() if value is not None}


def _aggregate(subscale: Subscale, items: Mapping[str, float], instrument: Instrument) -> float | None:
    known = [_keyed(instrument[name], items[name]) for name in subscale.items if name in items]
    if not known or len(known) < instrument.prorate * len(subscale.items):
        return None
    return fmean(known) * (len(subscale.items) if subscale.aggregate == "sum" else 1)


def _keyed(item: Item, value: float) -> float:
    """A value turned so that high is good."""
    low, high = (item.low, item.high) if item.scaled else (0, 1)
    return low + high - value if item.reverse else value


def _bands(values: Mapping[str, float], instrument: Instrument, lang: Lang) -> dict[str, str]:
    found: dict[str, str] = {}
    for band in sorted(instrument.bands, key=lambda band: band.low):
        if values.get(band.score, float("-inf")) >= band.low:
            found[band.score] = band.of(lang)
    return found


def _alarms(
    samples: Sequence[Rating], means: Mapping[str, float], instrument: Instrument, lang: Lang
) -> dict[str, str]:
    """An alarm on an item rings for any single sample: an average must not calm it."""
    found: dict[str, str] = {}
    for alarm in instrument.alarms:
        each = [
            value
            for part in (part for rating in samples for part in rating.items)
            if alarm.score in ("any", part.item) and part.value is not None
            if (value := number(instrument[part.item], part.value)) is not None
        ]
        if any(map(alarm.rings, each or [means[alarm.score]] if each or alarm.score in means else [])):
            found[alarm.id] = alarm.name(lang)
    return found


def missing_in(instrument: Instrument, parts: Iterable[ItemRating]) -> list[str]:
    """Ids of the items that a filled-in form leaves open; "does not apply" is no answer unless the item allows it."""
    given = {part.item: part.value for part in parts}
    return [i.id for i in instrument.items if i.id not in given or (given[i.id] is None and not i.na)]
