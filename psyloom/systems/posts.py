"""What the systems share that start from a post and one of its answers."""

from psyloom.records import Case


def per_answer(case: Case) -> list[Case]:
    """One case for each answer of the post, so that each answer gets its own dialogue.

    Ids are ``CASE-a1``, ``CASE-a2`` ...; ``extra.question`` is the id of the case they come from: dialogues that
    share it belong on the same side of a split.
    """
    if case.post is None or not case.post.answers:
        return [case]
    question = {**case.extra, "question": question_of(case)}
    return [
        case.model_copy(
            update={"id": f"{case.id}-a{n}", "post": case.post.model_copy(update={"answers": [answer]}), "extra": question},
            deep=True,
        )
        for n, answer in enumerate(case.post.answers, 1)
    ]  # fmt: skip


def question_of(case: Case) -> str:
    """The id of the question that a case, or the case it was made from, asks."""
    return str(case.extra.get("question", case.id))
