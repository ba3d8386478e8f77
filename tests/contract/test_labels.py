"""Labels: how names fold and how a label finds its class."""

import pytest

from contract import LabelError, fold, resolve_label

CLOTHES = ("T-shirt/top", "Trouser", "Ankle boot")


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("T-shirt/top", "t_shirt_top"),
        ("Ankle boot", "ankle_boot"),
        ("a - b__c", "a_b_c"),
        ("7", "7"),
        ("Überzieher", "überzieher"),
    ],
)
def test_each_run_of_other_characters_folds_to_one_underscore(name: str, folded: str) -> None:
    assert fold(name) == folded


@pytest.mark.parametrize("label", ["T-shirt/top", "t_shirt_top", "T SHIRT TOP", "0"])
def test_a_class_is_found_by_name_in_any_spelling_and_by_index(label: str) -> None:
    assert resolve_label(label, CLOTHES) == 0


def test_a_name_wins_over_an_index() -> None:
    assert resolve_label("2", ("zero", "2", "1")) == 1


@pytest.mark.parametrize("label", ["3", "-1", "boot", "", "1.0", "٢", "9" * 5000])
def test_an_unknown_label_lists_the_valid_ones(label: str) -> None:
    with pytest.raises(LabelError, match="t_shirt_top, trouser, ankle_boot .*from 0 to 2"):
        resolve_label(label, CLOTHES)
