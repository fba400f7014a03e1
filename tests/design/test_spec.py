"""What a user writes, and every way to write it wrongly: one sentence, with the remedy."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.design.spec import Vocabulary, read_spec
from isthmus.design.wishes import Class, Mixture, Range
from isthmus.errors import IsthmusError

WORDS = Vocabulary(("cat", "dog", "a, b", "7"), {"thickness": (1.0, 5.0, 0.5), "slant": (-1.0, 1.0, 0.2)})


def test_all_kinds_of_wishes_are_read() -> None:
    wishes, notes = read_spec("class=dog, thickness=4..5, 2*slant>0.2", WORDS)
    dog, thick, slanted = wishes
    assert isinstance(dog, Class) and dog.classes == (1,)
    assert isinstance(thick, Range) and (thick.low, thick.high, thick.spread) == (4, 5, 0.5)
    assert isinstance(slanted, Range) and (slanted.low, slanted.high, slanted.weight) == (0.2, np.inf, 2)
    assert notes == []
    (mixed,), _ = read_spec("class=cat:3+dog:1", WORDS)
    assert isinstance(mixed, Mixture) and mixed.shares == ((0, 0.75), (1, 0.25))
    (either,), _ = read_spec("class=cat|7", WORDS)
    assert isinstance(either, Class) and either.classes == (0, 3)
    (number,), _ = read_spec("thickness=3", WORDS)
    assert isinstance(number, Range) and number.low == pytest.approx(2.975) and number.high == pytest.approx(3.025)


def test_a_name_with_a_comma_is_quoted() -> None:
    (wish, _), _ = read_spec('class="a, b", slant<0', WORDS)
    assert isinstance(wish, Class) and wish.classes == (2,)


def test_two_ranges_of_one_attribute_are_their_common_part() -> None:
    (wish,), _ = read_spec("thickness>2, thickness<3", WORDS)
    assert isinstance(wish, Range) and (wish.low, wish.high) == (2, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "wishes for nothing"),
        ("class=dgo", "Did you mean 'dog'"),
        ("thicknes=4..5", "Did you mean 'thickness'"),
        ("zzz=1", "What can be wished is: thickness, slant, class"),
        ("thickness", "is no wish"),
        ("thickness=5..4", "5 is not below 4"),
        ("thickness=fat", "'fat' is no number"),
        ("thickness>nan", "no finite number"),
        ("class>dog", "a class is or is not"),
        ("class=cat, class=dog", "contradict each other"),
        ("thickness>4, thickness<3", "contradict each other"),
        ("class=cat:0+dog:1", "no mixture"),
        ("class=cat+cat", "no mixture"),
        ("-1*slant>0", "the weight"),
        ("x*slant>0", "is no wish"),
    ],
)
def test_what_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(IsthmusError, match="(?s)" + said.replace("(", r"\(")) as error:
        read_spec(text, WORDS)
    assert error.value.exit_code == 2


def test_a_file_is_read_and_its_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wishes.txt"
    file.write_text("# what the client wants\nclass=dog\nthickness=4..5  # fat\n", "utf-8")
    assert [wish.said for wish in read_spec(f"@{file}", WORDS)[0]] == ["class=dog", "thickness=4..5"]
    file.write_text("# what\nclass=dog\nthickness=4.,5\n", "utf-8")
    with pytest.raises(IsthmusError, match="line 3: '5' is no wish"):
        read_spec(f"@{file}", WORDS)
    with pytest.raises(IsthmusError, match="cannot be read"):
        read_spec(f"@{tmp_path / 'none.txt'}", WORDS)


def test_what_was_never_seen_may_be_wished_but_not_silently() -> None:
    _, notes = read_spec("thickness>9", WORDS)
    assert notes == ["thickness>9 is outside of anything seen: thickness goes from 1 to 5"]
    with pytest.raises(IsthmusError, match="no picture has a label"):
        read_spec("class=dog", Vocabulary((), {"slant": (0, 1, 1)}))
