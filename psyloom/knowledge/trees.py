"""Decision trees: questions with jumps. One way through, no way back, an outcome for each dimension."""

from collections.abc import Sequence

from psyloom.knowledge.items import Dimension, Item

END = "end"


def following(questions: Sequence[Item], question: Item, answer: str) -> str:
    """The id of the question after ``question`` when it is answered with ``answer``; "end" after the last."""
    after = [q.id for q in questions].index(question.id) + 1
    return question.option(answer).go or (questions[after].id if after < len(questions) else END)


def check_tree(questions: Sequence[Item], dimensions: Sequence[Dimension]) -> None:
    """Every jump leads somewhere, none leads back, every question can be reached and belongs to a dimension.

    Raises: ValueError, naming the question.
    """
    ids, known = {q.id for q in questions}, {dimension.id for dimension in dimensions}
    for question in questions:
        if question.kind != "choice" or question.dimension not in known:
            raise ValueError(f"question {question.id!r} of a decision tree must be a choice and name its dimension")
        if lost := {option.go for option in question.options if option.go} - ids - {END}:
            raise ValueError(f"question {question.id!r} jumps to {min(lost)!r}, which does not exist")
    _refuse_circles(questions, questions[0].id, (), set())
    if unreached := ids - reachable(questions, questions[0].id):
        raise ValueError(f"question {min(unreached)!r} can never be reached")
    if empty := known - {question.dimension for question in questions}:
        raise ValueError(f"dimension {min(empty)!r} has no question")


def reachable(questions: Sequence[Item], start: str) -> set[str]:
    """Ids of the questions that may still be asked at ``start``, itself included; none at the end."""
    found: set[str] = set()
    waiting = {start} - {END}
    while waiting:
        question = next(q for q in questions if q.id in waiting)
        found.add(question.id)
        waiting |= {following(questions, question, option.id) for option in question.options}
        waiting -= found | {END}
    return found


def _refuse_circles(questions: Sequence[Item], at: str, way: tuple[str, ...], clear: set[str]) -> None:
    if at in way:
        raise ValueError(f"the questions go in a circle: {' -> '.join((*way[way.index(at) :], at))}")
    if at == END or at in clear:
        return
    question = next(q for q in questions if q.id == at)
    for target in sorted({following(questions, question, option.id) for option in question.options}):
        _refuse_circles(questions, target, (*way, at), clear)
    clear.add(at)
