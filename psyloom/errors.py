"""Everything that can go wrong, in one tree.

PsyloomError                what happened, and what to do about it
├── UsageError              the words given to us are wrong: nothing was started (exit code 2)
│   ├── UnknownName         a system, label, facet, model, option ... that does not exist
│   ├── BadRecord           a line of a file that is no valid record
│   ├── BadPrompt           a prompt file that cannot be used
│   ├── NotInSight          a prompt wants what its agent may not see
│   ├── MissingFacet        a case lacks what a role needs
│   ├── MissingKey          a provider needs a key that is not set
│   ├── MissingExtra        an optional part of psyloom is not installed
│   └── OtherRun            the output folder holds a run of another configuration
└── Failure                 the words were right, the work went wrong (exit code 1)
    ├── AnswerRejected      a model never gave an acceptable answer: the case fails, the run goes on
    ├── Refused             a provider's content filter refused: counted, never a turn
    ├── EndpointDown        an endpoint does not answer, or answers nonsense, after all tries
    ├── EndpointRejects     an endpoint will never accept this (key, model name, quota): the run stops
    ├── Stopped             a budget or the user stopped the run: it can be continued
    └── FolderTrouble       the output folder cannot be written
"""

from collections.abc import Iterable
from difflib import get_close_matches


class PsyloomError(Exception):
    """What happened and what to do; both are written for the person who reads them."""

    exit_code = 1

    def __init__(self, happened: str, *, do: str) -> None:
        super().__init__(f"{happened}\n  -> {do}")
        self.happened, self.do = happened, do


class UsageError(PsyloomError):
    exit_code = 2


class UnknownName(UsageError):
    """A name that is not in a closed list; offers the nearest ones."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, see: str = "") -> None:
        known = sorted(known)
        near = get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}"
        super().__init__(f"there is no {what} called {name!r}", do=f"{hint}{'; ' + see if see else ''}")


class BadRecord(UsageError): ...


class BadPrompt(UsageError): ...


class NotInSight(UsageError): ...


class MissingFacet(UsageError): ...


class MissingKey(UsageError): ...


class MissingExtra(UsageError):
    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional part of psyloom", do=f"pip install 'psyloom[{extra}]'")


class OtherRun(UsageError): ...


class Failure(PsyloomError): ...


class AnswerRejected(Failure): ...


class Refused(Failure): ...


class EndpointDown(Failure): ...


class EndpointRejects(Failure): ...


class Stopped(Failure): ...


class FolderTrouble(Failure): ...
