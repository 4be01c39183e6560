"""The verify pod: reads an artifact with the namespace's own credentials and says what it hashes to."""
