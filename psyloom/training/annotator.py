"""A trained classifier as an annotator."""

from collections.abc import Mapping, Sequence

from pydantic import DirectoryPath, Field

from psyloom.agents import Annotator, Ask
from psyloom.errors import UsageError
from psyloom.records import Dialogue, Label
from psyloom.training.classifier import load
from psyloom.training.sentences import messages


class ClassifierAnnotator(Annotator):
    """Labels every sentence of one side by a trained classifier; asks no model."""

    path: DirectoryPath = Field(description="folder of the trained classifier")
    favor: Mapping[str, float] = Field(
        default_factory=dict,
        description="rare label -> probability from which it is given, even if another is likelier; the paper uses 0.2",
    )

    @classmethod
    def system(cls) -> str:
        return "classifier"

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        """One label for each sentence, with its span; ``by`` is the annotator's name as of any other."""
        classifier = load(str(self.path))
        if classifier.recipe.ahead:
            what = f"the classifier in {self.path} foretells answers and labels nothing"
            raise UsageError(what, do="name it in an option that foretells, or train one without ahead")
        recipe, classes = classifier.recipe, classifier.recipe.classes()
        found = list(messages(dialogue, recipe.speaker, recipe.context))
        for message, rows in zip(found, classifier.chances(found), strict=True):
            labels = [
                Label(set=recipe.labels, id=self._choice(classes, row), span=span, by=ask.by)
                for span, row in zip(message.pieces, rows, strict=True)
            ]
            message.turn.labels = [*message.turn.labels, *labels]
        return dialogue

    def _choice(self, classes: Sequence[str], row: Sequence[float]) -> str:
        chances = dict(zip(classes, row, strict=True))
        favored = [id_ for id_, least in self.favor.items() if chances.get(id_, 0.0) >= least]
        return max(favored or chances, key=lambda id_: chances[id_])
