"""Kubernetes replaces `$(NAME)` in commands, arguments and variables of a container; what users wrote must not be."""


def literal(text: str) -> str:
    """The text as it has to be written for a container to get exactly it.

    In a command or an argument `$(NAME)` may name a variable that came from a Secret: whoever wrote it into an address
    would read the value in the program's complaint about that address.
    """
    return text.replace("$", "$$")
