"""Rules of content, K1-K9 and M4-M6. Words are found by the lexicon ``curation``; nothing is judged by a model here."""

from collections.abc import Iterator

from psyloom.agents.script import is_list
from psyloom.curation.findings import Finding, Rule, Standard, numbered, reworded, said, without
from psyloom.records import Dialogue, sentences
from psyloom.safety.cues import cue_in
from psyloom.systems.mindchat.system import not_medical

_ERRORS = ("null", "none", "error", "nan")


def refusal(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """K1."""
    for index, _session, _at, turn in numbered(dialogue):
        found = said("refusal", turn.text, dialogue.lang) if turn.speaker == "counselor" else None
        if found := found or (turn.text if turn.text.strip().casefold() in _ERRORS else None):
            yield Finding("k1", "drop", found, index)


def advertising(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """K2. The sentence goes; of a message that loses more than half, everything."""
    for index, session, at, turn in numbered(dialogue):
        found = said("advert", turn.text, dialogue.lang) if turn.speaker == "counselor" else None
        if found:
            kept = [one for one in sentences(turn.text) if not said("advert", one, dialogue.lang)]
            text = ("" if dialogue.lang == "zh" else " ").join(kept)
            text = text if len(text) * 2 >= len(turn.text) else ""
            session.turns[at] = reworded(turn, text)
            yield Finding("k2", "fixed", found, index, text)
    for session in dialogue.sessions:
        session.turns = [turn for turn in session.turns if turn.text]


def identity(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """K3."""
    for index, _session, _at, turn in numbered(dialogue):
        if turn.speaker == "counselor" and (found := said("identity", turn.text, dialogue.lang)):
            yield Finding("k3", "drop", found, index)


def template(dialogue: Dialogue, standard: Standard) -> Iterator[Finding]:
    """K5, what of it one dialogue shows; openings that many share are found over the whole set."""
    spoken = [(index, turn) for index, _session, _at, turn in numbered(dialogue) if turn.speaker == "counselor"]
    listed = sum(is_list(turn.text) for _, turn in spoken)
    if spoken and listed > standard.lists * len(spoken):
        yield Finding("k5", "review", f"{listed} lists in {len(spoken)} messages")
    if spoken and (found := said("advice", spoken[0][1].text, dialogue.lang)):
        yield Finding("k5", "review", found, spoken[0][0])


def medical(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """K6."""
    for index, _session, _at, turn in numbered(dialogue):
        if wrong := not_medical(dialogue.lang)([turn]):
            yield Finding("k6", "drop", wrong, index)


def risk(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """K7. The answer counts that comes after the cue."""
    first = next(
        ((index, cue) for index, _s, _a, turn in numbered(dialogue) if turn.speaker == "client" and (cue := cue_in(turn.text, dialogue.lang))),
        None,
    )  # fmt: skip
    if first is None:
        return
    after = " ".join(turn.text for turn in dialogue.turns[first[0] :] if turn.speaker == "counselor")
    met = said("asks", after, dialogue.lang) and said("helps", after, dialogue.lang)
    yield Finding("k7", "noted" if met else "review", first[1], first[0])


def explicit(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """K8."""
    for index, _session, _at, turn in numbered(dialogue):
        if found := said("explicit", turn.text, dialogue.lang):
            yield Finding("k8", "review", found, index)


def pleasing(dialogue: Dialogue, standard: Standard) -> Iterator[Finding]:
    """K9."""
    for index, _session, _at, turn in numbered(dialogue):
        found = said("please", turn.text, dialogue.lang) if turn.speaker == "counselor" else None
        if found and not standard.pleasing:
            yield Finding("k9", "review", found, index)


def doctor(dialogue: Dialogue, standard: Standard) -> Iterator[Finding]:
    """M4. Only where the client addresses the counselor so; a doctor whom the client talks of stays."""
    if not standard.doctor:
        yield from _cut("m4", "doctor", "client", dialogue)


def address(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """M5. An address that the client gave cause for stays."""
    told = " ".join(turn.text for turn in dialogue.turns if turn.speaker == "client")
    if not said("address", told, dialogue.lang) and not any(
        word in told for word in ("我是男", "我是女", "I am a man", "I am a woman")
    ):
        yield from _cut("m5", "address", "counselor", dialogue)


def _cut(rule: str, kind: str, speaker: str, dialogue: Dialogue) -> Iterator[Finding]:
    for index, session, at, turn in numbered(dialogue):
        if turn.speaker == speaker and (found := said(kind, turn.text, dialogue.lang)):
            text = without(kind, turn.text, dialogue.lang).lstrip("，, ").strip()
            session.turns[at] = reworded(turn, text)
            yield Finding(rule, "fixed", found, index, text)


def thanks(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """M6."""
    last = next(
        ((at, turn) for at, turn in reversed(list(enumerate(dialogue.turns))) if turn.speaker == "client"), None
    )
    if last and (found := said("thanks", last[1].text, dialogue.lang)):
        yield Finding("m6", "noted", found, last[0])


CONTENT: tuple[Rule, ...] = (
    refusal, advertising, identity, template, medical, risk, explicit, pleasing, doctor, address, thanks
)  # fmt: skip
