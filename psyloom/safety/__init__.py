"""What holds for every talk, whichever system leads it."""
