"""Bad values, one by one in every kind of place of config.yaml that the mini study hasn't."""

import pytest
from config_fuzzer import BAD, kinds, outcome
from project import MINI, read_config

CONFIG = read_config()
TRIED = kinds(read_config(MINI))  # in tests/unit
PLACES = [place for kind, place in kinds(CONFIG).items() if kind not in TRIED]


@pytest.mark.parametrize("section", CONFIG)
def test_a_bad_value_is_told_by_its_key_or_is_right(section: str) -> None:
    inside = [place for place in PLACES if place[0] == section]
    cases = [(place, value, *outcome(CONFIG, place, value)) for place in inside for value in BAD]
    assert [case for case in cases if case[2] not in {"told", "right"}] == []
