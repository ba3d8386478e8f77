"""Which revision of a deployment is served here. Knows no Ray and no reload."""


class Revision:
    """The last one that was heard of."""

    def __init__(self) -> None:
        self._is_known = False
        self._last: object = None

    def changes_to(self, revision: object) -> bool:
        """Whether it is another one than before; the first one is what was begun with."""
        is_new = self._is_known and revision != self._last
        self._is_known, self._last = True, revision
        return is_new
