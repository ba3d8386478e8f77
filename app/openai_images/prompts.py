"""A prompt to a class: what of a model's class names its words name. Knows no request."""

import re
from collections.abc import Iterator, Sequence

from app.errors import InvalidParameter, shortened
from contract import LabelError, fold, resolve_label

_ALTERNATIVES = re.compile(r"[/|]")  # "T-shirt/top" is a T-shirt, or a top

Words = tuple[str, ...]


def class_of_prompt(prompt: str, class_names: Sequence[str], *, model: str) -> int | None:
    """Class index that a prompt means; None where it is empty: all classes in turn.

    The whole prompt may be a label of ``/generate``: a class name or index. Else it is looked
    through for class names as words, the longest first ("a red t-shirt" is no shirt).

    Raises:
        InvalidParameter: it names no class, or several.
    """
    if not fold(prompt).strip("_"):
        return None
    try:
        return resolve_label(prompt.strip(), class_names)
    except LabelError:
        found = sorted(_classes_in(prompt, class_names))
    if len(found) == 1:
        return found[0]
    problem = (
        "names no class"
        if not found
        else (f"names {len(found)} classes ({', '.join(class_names[index] for index in found)})")
    )
    raise InvalidParameter(
        f"prompt {shortened(prompt)!r} {problem} of model {model!r}; exactly one of these words "
        f"would be right: {', '.join(class_names)} (an empty prompt means all of them in turn)"
    )


def _classes_in(prompt: str, class_names: Sequence[str]) -> set[int]:
    words = _words(prompt)
    names = sorted(_names(class_names), key=lambda each: len(each[0]), reverse=True)
    found: set[int] = set()
    for name, index in names:
        for at in range(len(words) - len(name) + 1):
            if words[at : at + len(name)] == name:
                found.add(index)
                blank = ("",) * len(name)  # a part of it is no name of its own
                words = (*words[:at], *blank, *words[at + len(name) :])
    return found


def _names(class_names: Sequence[str]) -> Iterator[tuple[Words, int]]:
    for index, class_name in enumerate(class_names):
        for name in {class_name, *_ALTERNATIVES.split(class_name)}:
            if words := _words(name):
                yield words, index


def _words(text: str) -> Words:
    """Folded words in the singular, so that sneakers are of the class sneaker."""
    return tuple(_singular(word) for word in fold(text).split("_") if word)


def _singular(word: str) -> str:
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 2 and word[-1] == "s" and word[-2] != "s" else word
