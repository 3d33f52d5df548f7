"""Recordings of mouse visual cortex by Stringer et al., and what they do to them before cvPCA.

Files `natimg2800_<mouse>_<date>.mat` of figshare 6845348. Source: Stringer, Pachitariu, Steinmetz,
Carandini & Harris (2019), Nature 571, and the code published with it (`compileResps.m`,
`loadProc2800.m`, `powerlaws.ipynb`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from codespectra.errors import UserError
from codespectra.files.regular_files import check_regular, refusing, shown
from codespectra.sources.held import Held
from codespectra.sources.rows import WHOLE, FileRows, place
from codespectra.sources.source import Source

LAYER = "resp"
FLOOR = 1e-6  # added to standard deviations, as in their code
SPONTANEOUS = "spontaneous activity (stim.spont)"


@dataclass(frozen=True)
class Recording:
    """One recording, as its file holds it.

    Attributes:
        path: of the file.
        responses: (presentations, neurons) `stim.resp`.
        images: (presentations,) `stim.istim`, numbers from 1; the largest is the blank.
        spontaneous: (time points, neurons) `stim.spont`; none of them where nothing was recorded.
        red_cells: (neurons,) `stat.redcell`, which are inhibitory; None where that isn't told.
    """

    path: Path
    responses: np.ndarray
    images: np.ndarray
    spontaneous: np.ndarray
    red_cells: np.ndarray | None = field(default=None)


@contextmanager
def open_stringer2019(path: Path) -> Iterator[Held]:
    """Responses of a recording as they are, unprepared; image numbers are ids.

    The file is read into memory as a whole.

    Raises:
        UserError: the file is damaged, or not of that layout.
    """
    recording = read_recording(path)
    responses, images = recording.responses, recording.images
    rows = _rows(path, responses)
    remark = f"unprepared; image {images.max()}, the largest number, is the blank"
    yield Held({LAYER: rows}, ids=_names(images), repeats=_repeats(images), remarks=[remark])


def read_recording(path: Path) -> Recording:
    """A recording, read into memory as a whole.

    Raises:
        UserError: the file is damaged, or not of that layout.
    """
    from scipy.io import loadmat

    path = Path(path)
    with refusing(path, "damaged, or no MATLAB file before version 7.3", WHOLE):
        check_regular(path)
        found = loadmat(path, appendmat=False, variable_names=["stim", "stat"])
    with refusing(path, "not of the layout of natimg2800_*.mat", "leave format out, or say mat"):
        stim = found["stim"][0, 0]
        responses, images = _matrix(stim, "resp"), stim["istim"].astype(np.int64).ravel()
        spontaneous = _matrix(stim, "spont") if "spont" in stim.dtype.names else responses[:0]
        spontaneous = spontaneous if spontaneous.size else responses[:0]
        if len(images) != len(responses) or spontaneous.shape[1] != responses.shape[1]:
            raise ValueError(
                f"resp {responses.shape}, istim {images.shape}, spont {spontaneous.shape}"
            )
        red_cells = _red_cells(found.get("stat"), responses.shape[1])
    return Recording(path, responses, images, spontaneous, red_cells)


def _matrix(stim: np.void, name: str) -> np.ndarray:
    found = stim[name]
    if found.ndim != 2 or found.dtype.kind not in "iuf":
        raise ValueError(f"stim.{name} is {found.shape} {found.dtype}, expected a matrix")
    return found


def _red_cells(stat: np.ndarray | None, count: int) -> np.ndarray | None:
    if stat is None or "redcell" not in (stat.dtype.names or ()):
        return None
    told = stat["redcell"].ravel()
    red = np.array([bool(np.any(cell)) for cell in told])
    if len(red) != count:
        raise ValueError(f"stat.redcell of {len(red)} cells, of {count} neurons")
    return red


def prepare(
    recording: Recording,
    *,
    drop_red_cells: bool = True,
    drop_blanks: bool = True,
    nan_to_zero: bool = True,
    zscore_by_spontaneous: bool = True,
    spontaneous_components: int = 32,
    two_repeats: bool = True,
) -> Source:
    """What the authors do to responses before cvPCA, in their order; each step can be left out.

    Args:
        recording: as its file holds it.
        drop_red_cells: leave out inhibitory cells, where the file tells which are.
        drop_blanks: leave out presentations of the blank.
        nan_to_zero: take responses that are NaN for 0.
        zscore_by_spontaneous: subtract each neuron's mean of spontaneous activity and divide by
            its standard deviation + 1e-6; of its responses where no such activity was recorded.
        spontaneous_components: project out that many principal components of spontaneous
            activity, none where none was recorded.
        two_repeats: keep the first two presentations of each image, and images with two alone.

    Returns:
        One layer, `resp`: rows (presentations, neurons) float32, computed in float64. Ids are
        image numbers; repeats count the presentations of an image from 1.

    Raises:
        UserError: NaN or infinite numbers are left, or more components are asked for than there
            are.
    """
    responses, images = recording.responses, recording.images
    spontaneous, remarks = recording.spontaneous, []
    if drop_red_cells and recording.red_cells is None:
        remarks.append("no cells are dropped: the file doesn't tell which are red")
    elif drop_red_cells:
        kept = ~recording.red_cells
        responses, spontaneous = responses[:, kept], spontaneous[:, kept]
    if drop_blanks:
        shows_image = images < images.max()
        responses, images = responses[shows_image], images[shows_image]
    responses, spontaneous = responses.astype(np.float64), spontaneous.astype(np.float64)
    if nan_to_zero:
        responses[np.isnan(responses)] = 0
    _check(recording.path, responses, "responses (stim.resp)")
    _check(recording.path, spontaneous, SPONTANEOUS)
    has_spontaneous = len(spontaneous) > 0
    if zscore_by_spontaneous:
        _zscore(responses, spontaneous)
        if not has_spontaneous:
            remarks.append("no spontaneous activity: responses are z-scored by their own")
    if spontaneous_components and not has_spontaneous:
        remarks.append("no spontaneous activity, and so none is projected out")
    if spontaneous_components and has_spontaneous:
        _project_out(recording.path, responses, spontaneous, spontaneous_components)
    if two_repeats:
        kept = _is_of_two(images)
        if not kept.all():
            remarks.append(f"{(~kept).sum()} presentations aren't of an image's two repeats")
        responses, images = responses[kept], images[kept]
    rows = _rows(recording.path, responses.astype(np.float32))
    return Source("stringer2019", {LAYER: rows}, _names(images), _repeats(images), remarks)


def _rows(path: Path, responses: np.ndarray) -> FileRows:
    return FileRows(
        place(path, LAYER), responses.shape, responses.dtype, lambda a, b: responses[a:b]
    )


def _zscore(responses: np.ndarray, spontaneous: np.ndarray) -> None:
    """Scale both in place by spontaneous activity, or where there is none by the responses."""
    reference = spontaneous if len(spontaneous) else responses
    mean, sd = reference.mean(axis=0), reference.std(axis=0) + FLOOR
    for numbers in (responses, spontaneous):
        numbers -= mean
        numbers /= sd


def _is_of_two(images: np.ndarray) -> np.ndarray:
    """Which presentations are the first two of an image that has two."""
    repeats = np.array(_repeats(images))
    return (repeats <= 2) & np.isin(images, images[repeats == 2])


def _check(path: Path, numbers: np.ndarray, name: str) -> None:
    bad = ~np.isfinite(numbers).all(axis=1)
    if bad.any():
        raise UserError(
            f"{shown(path)}: {name}: {int(bad.sum())} of {len(bad)} rows hold NaN or infinite "
            f"numbers, first row {int(bad.argmax()) + 1}; expected finite ones; say nan_to_zero: "
            "true for responses that are NaN, or mend the file"
        )


def _project_out(path: Path, responses: np.ndarray, spontaneous: np.ndarray, count: int) -> None:
    """Subtract from responses, in place, their part in the span of spontaneous components."""
    from scipy.sparse.linalg import svds

    centred = spontaneous - spontaneous.mean(axis=0)
    if count >= min(centred.shape):
        raise UserError(
            f"{shown(path)}: {SPONTANEOUS} of shape {centred.shape} has no {count} components to "
            f"project out; expected fewer than {min(centred.shape)}; lower spontaneous_components"
        )
    start = np.random.default_rng(0).standard_normal(min(centred.shape))
    components = svds(centred, count, v0=start, return_singular_vectors="vh")[2]
    responses -= responses @ components.T @ components


def _names(images: np.ndarray) -> list[str]:
    return [str(number) for number in images.tolist()]


def _repeats(images: np.ndarray) -> list[int]:
    """Which presentation of its image each one is, from 1."""
    shown_before: dict[int, int] = {}
    repeats = []
    for image in images.tolist():
        shown_before[image] = shown_before.get(image, 0) + 1
        repeats.append(shown_before[image])
    return repeats
