"""Section of activations that come from files and take the place of a capture."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from codespectra.sources.source import Format
from codespectra.study.sections.analyses import Reduction
from codespectra.study.sections.base import Name, Several, Strict, Text, UserPath

Few = Annotated[int, Field(ge=0, le=10_000)]


def _form(keys: Any) -> str:
    return "keys by layer" if isinstance(keys, dict) else "keys"


Keys = Annotated[
    Annotated[Several[Text], Tag("keys")]
    | Annotated[dict[Text, Text], Field(min_length=1), Tag("keys by layer")],
    Discriminator(_form),
]


class Stringer2019(Strict):
    """Steps of Stringer et al. (2019) that make a recording's responses, in this order."""

    drop_red_cells: bool = True
    """Whether cells that are marked as red, the inhibitory ones, are left out."""
    drop_blanks: bool = True
    """Whether presentations of the blank are left out."""
    nan_to_zero: bool = True
    """Whether missing numbers become 0."""
    zscore_by_spontaneous: bool = True
    """Whether cells are scaled by the mean and deviation of their spontaneous activity."""
    spontaneous_components: Few = 32
    """Principal components of spontaneous activity that are projected out; 0: none."""
    two_repeats: bool = True
    """Whether only images with two presentations are kept, and of others the first two."""


class RecordedFile(Strict):
    """A file or folder of somebody's: a key an array, stimuli as rows, numbers as columns."""

    file: UserPath
    """The file, or the folder of one data set."""
    format: Format | None = None
    """What it is, where its name and content leave that open; null: they tell."""
    layers: Keys | None = None
    """Keys in the file that are layers, names or globs; or {layer: key}; null: all arrays."""
    rows: Literal["by_id", "in_order"] = "by_id"
    """How rows belong to stimuli: by_id (stimulus_id, in the file or in `table`), or in_order (row
    n is stimulus n; nothing checks it)."""
    table: UserPath | None = None
    """CSV of the rows in their order: stimulus_id, and where stimuli were shown several times
    repeat. null: the file says it."""
    transposed: bool = False
    """Whether stimuli are columns and units rows."""

    def options(self) -> dict[str, Any]:
        """What reads the file, as `sources.recorded_source.open_recorded` takes it."""
        read = {"format", "layers", "transposed", "preparation"}
        return {"preparation": None} | self.model_dump(mode="json", include=read)


class RecordedActivations(RecordedFile):
    """Activations that a file or folder holds: a key a layer, stimuli as rows, units as columns."""

    stimuli: Name | None = None
    """Stimulus set that was shown, for scores and most exciting images; null: none is at hand."""
    axes: Literal["channels_first", "channels_last", "tokens"] | None = None
    """Axes of arrays of more than two: maps as (stimuli, channels, height, width) or (stimuli,
    height, width, channels); or (stimuli, tokens, units). null: there are none."""
    prefix: Few = 0
    """Tokens before those of patches or words, such as a class token."""
    reduction: Reduction | Literal["tokens"] = "none"
    """What is kept of arrays of more than two axes, as in spectra.reduction."""
    drop_nan: bool = False
    """Whether rows with NaN or infinite numbers are left out; else they are an error."""
    preparation: Stringer2019 | None = None
    """Steps of the format stringer2019; null: all of them."""

    @model_validator(mode="after")
    def _fits(self) -> "RecordedActivations":
        if self.transposed and self.axes:
            raise ValueError("transposed: of arrays with axes these say it; leave one out")
        if self.drop_nan and self.stimuli:
            raise ValueError(
                "drop_nan: rows belong to stimuli, which would lose theirs; leave the stimuli out "
                "of their table, or this"
            )
        if self.preparation and self.format != "stringer2019":
            raise ValueError("preparation: is of format: stringer2019; set it, or leave it out")
        return self


def shown_set(activations: Mapping[str, RecordedActivations], name: str) -> str:
    """Name of the set in files and tables: of what was shown, or of the activations themselves."""
    known = activations.get(name)
    return (known and known.stimuli) or name
