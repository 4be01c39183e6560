"""How often something happened: the only data the tests look at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Count:
    """`hits` out of `trials`, such as answers with status 5xx out of all answers."""

    trials: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.trials:
            raise ValueError(f"hits must lie between 0 and trials; got {self.hits} of {self.trials}")

    def __add__(self, other: "Count") -> "Count":
        return Count(self.trials + other.trials, self.hits + other.hits)

    @property
    def share(self) -> float:
        """Hits per trial; 0 without trials."""
        return self.hits / self.trials if self.trials else 0.0

    def __str__(self) -> str:
        return f"{self.hits}/{self.trials} ({self.share:.2%})" if self.trials else "0/0"


NOTHING = Count()
"""Nothing seen yet."""
