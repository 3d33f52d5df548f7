"""Tokens that may be spent: reserved before a question, settled after it, never over a limit."""

import threading

from codespectra.errors import UserError


class LimitReached(UserError):
    """The next question might cost more than is left."""


class Budget:
    """Tokens spent of a limit, shared by threads."""

    def __init__(self, limit: int, spent: int) -> None:
        """`spent` tokens are gone already."""
        self.limit, self.spent, self._reserved = limit, spent, 0
        self._changed = threading.Condition()

    def reserve(self, tokens: int) -> None:
        """Set tokens aside; waits while what others have set aside may yet come back.

        Raises:
            LimitReached: they don't fit, and nothing is to come back.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._fits(tokens) or not self._reserved)
            if not self._fits(tokens):
                raise LimitReached(
                    f"the chat models' answers have cost {self.spent} tokens of {self.limit}, and "
                    f"the next one may cost {tokens}; raise language.explanations.explainers."
                    "openai.token_limit; answers so far are kept"
                )
            self._reserved += tokens

    def settle(self, reserved: int, spent: int) -> None:
        """Give back what was set aside, and count what was spent of it."""
        with self._changed:
            self._reserved -= reserved
            self.spent += spent
            self._changed.notify_all()

    def _fits(self, tokens: int) -> bool:
        return self.spent + self._reserved + tokens <= self.limit
