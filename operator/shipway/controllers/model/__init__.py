"""Model: its versions, its aliases and their history, what is held back."""
