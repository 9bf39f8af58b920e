"""Every failure an analysis can have belongs to one class."""

from collections import Counter

from functions.analyze.extraction.outcome import FINAL
from functions.analyze.failures import CLASSES, failure_class
from shared.problems import CATALOGUE


def test_no_code_is_in_two_classes_and_all_exist() -> None:
    counted = Counter(code for codes in CLASSES.values() for code in codes)
    assert set(counted.values()) == {1}
    assert set(counted) <= set(CATALOGUE)


def test_what_the_video_is_like_is_nobody_s_failure() -> None:
    assert CLASSES["video"] == FINAL


def test_every_code_that_attempts_can_have_is_in_one() -> None:
    codes = list(CATALOGUE)
    of_attempts = codes[codes.index("bot_check") : codes.index("segmented_only")]
    assert {code for code in of_attempts if failure_class(code) == "internal"} == set()
    assert failure_class("internal_error") == "internal"
