"""Judging: what dialogues are worth. Text metrics, agreement between raters, judge calibration, comparison.

Nothing is imported here; each part loads when it is used: ``psyloom.judging.metrics``, ``.agreement``,
``.calibration``, ``.compare``.
"""
