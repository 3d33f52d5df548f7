"""Arrays: one that is cut off is refused by name."""

import numpy as np
from damage import PLACES, SETTINGS, refused
from hypothesis import given

from codespectra.files.array_files import read_array, write_array


@SETTINGS
@given(place=PLACES)
def test_an_array_that_is_cut_off_is_refused(tmp_path_factory, place: float) -> None:
    path = tmp_path_factory.getbasetemp() / "c.npy"
    write_array(path, np.arange(20.0))
    whole = path.read_bytes()
    assert read_array(path)[7] == 7
    path.write_bytes(whole[: int(place * len(whole))])
    assert refused(path, read_array)
