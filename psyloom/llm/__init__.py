"""Back ends, typed answers, the journal, limits and prices."""

from psyloom.llm.connect import connect
from psyloom.llm.model import Answer, Call, Cue, Decoding, Message, Model, back_end

__all__ = ["Answer", "Call", "Cue", "Decoding", "Message", "Model", "back_end", "connect"]
