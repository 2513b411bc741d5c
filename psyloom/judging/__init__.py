"""Judging: what dialogues are worth.

Nothing is imported here; each part loads when it is used. Rating: ``panel`` and ``judge`` (models fill in instruments),
``sheets`` (people did), ``rubric`` and ``results`` (scores). Measuring: ``metrics``, ``compare``. Trusting:
``agreement`` between raters, ``calibration`` of judges.
"""
