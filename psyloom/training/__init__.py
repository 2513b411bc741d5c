"""Learning from dialogues. Heavy libraries load when a function needs them; extra ``train``."""
