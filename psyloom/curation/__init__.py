"""From many dialogues to a data set: choosing, mixing, checking."""
