"""Small dialogues, spelled as they are read: "c: ..." is the client, "k: ..." the counselor."""

from psyloom.records import Dialogue, Label, Session, Turn


def session(*lines: str) -> Session:
    return Session(turns=[turn(line) for line in lines])


def turn(line: str) -> Turn:
    who, _, text = line.partition(": ")
    return Turn(speaker="client" if who == "c" else "counselor", text=text)


def dialogue(*lines: str, id_: str = "d", lang: str = "en") -> Dialogue:
    return Dialogue(id=id_, lang=lang, sessions=[session(*lines)])  # type: ignore[arg-type]


def labelled(*ids: str, set_: str = "topic", id_: str = "d") -> Dialogue:
    return Dialogue(id=id_, lang="zh", labels=[Label(set=set_, id=label) for label in ids])
