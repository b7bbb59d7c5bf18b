import pytest

from ml_server.inputs import WrongValueError
from ml_server.inputs.genetics import Translation, guess, translate

# The first 17 codons of the human beta globin gene's coding sequence, and its first amino acids.
GLOBIN = "ATGGTGCATCTGACTCCTGAGGAGAAGTCTGCCGTTACTGCCCTGTGGGGCAAG"


@pytest.mark.parametrize(
    ("bases", "frame", "stop_at_stop", "translation"),
    [
        (GLOBIN, 0, True, Translation("MVHLTPEEKSAVTALWGK", False, 0)),
        (GLOBIN.replace("T", "U").lower(), 0, True, Translation("MVHLTPEEKSAVTALWGK", False, 0)),
        ("A" + GLOBIN + "AA", 1, True, Translation("MVHLTPEEKSAVTALWGK", False, 2)),
        ("ATGTAAGGG", 0, True, Translation("M", True, 0)),
        ("ATGTAAGGG", 0, False, Translation("M*G", True, 0)),
        ("ATGTGATAG", 0, False, Translation("M**", True, 0)),
        ("AT", 0, True, Translation("", False, 2)),
        ("", 2, True, Translation("", False, 0)),
        ("GGNTTYATN", 0, True, Translation("GFX", False, 0)),
        ("TAR", 0, True, Translation("", True, 0)),
    ],
)
def test_standard_genetic_code(bases: str, frame: int, stop_at_stop: bool, translation: Translation) -> None:
    assert translate(bases, frame, stop_at_stop=stop_at_stop) == translation


def test_what_is_no_base_is_told() -> None:
    with pytest.raises(WrongValueError) as wrong:
        translate("ACGEEACGT", 0, stop_at_stop=True)
    assert str(wrong.value) == "has letters that are no bases, 2 in all, the first of them letter 4"


@pytest.mark.parametrize(
    ("letters", "kind"),
    [
        (GLOBIN, "dna"),
        ("acgtn", "dna"),
        ("ACGU", "rna"),
        ("ACGTU", "rna"),
        ("MVHLTPEEK", "protein"),
        ("ACGTR", "protein"),
        ("", "protein"),
    ],
)
def test_kind_is_guessed_by_the_letters(letters: str, kind: str) -> None:
    assert guess(letters) == kind
