"""Exports: a Parquet table of the directions of a run; language units as Neuronpedia has them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from codespectra.explanations.neuron_records import ActivationRecord, NeuronRecord
from codespectra.files.whole_files import atomic

Run = dict[str, Any]


def write_parquet(path: str | Path, run: Run, classes: list[str]) -> None:
    """Write a row a direction: where it is, its most exciting images, and all its numbers.

    Args:
        path: ends in .parquet.
        run: content of the run's shard.
        classes: of the images; may be empty.
    """
    table = pa.concat_tables(
        [_table(run, block, classes) for block in run["blocks"]], promote_options="default"
    )
    with atomic(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd")


def _table(run: Run, block: dict[str, Any], classes: list[str]) -> pa.Table:
    count = block["count"]
    same = {name: run[name] for name in ("model", "weights", "stimuli", "reduction", "m")}
    same |= {"layer": run["layers"][block["layer"]], "method": run["methods"][block["method"]]}
    columns = {name: pa.array([value] * count) for name, value in same.items()}
    columns |= {
        "direction": pa.array(np.arange(count)),
        "state": pa.array([run["states"][number] for number in block["state"]]),
        "images": pa.array(block["first"].tolist(), pa.list_(pa.int64())),
        "active": _numbers(block["active"]),
        "highest": _numbers(block["highest"]),
    }
    if "favourite" in block:
        columns["class"] = pa.array([classes[number] for number in block["favourite"]])
        columns["selectivity"] = _numbers(block["selectivity"])
    for metric, own in block["scores"].items():
        for part in ("ii", "low", "high"):
            columns[f"{part} ({metric})"] = _numbers(own[part])
    more = block["measures"] | block["places"]
    more |= {f"map_{axis}": values for axis, values in block["map"].items()}
    return pa.table(columns | {name: _numbers(own) for name, own in more.items()})


def _numbers(values: np.ndarray) -> pa.Array:
    """nan is null."""
    return pa.array(np.asarray(values, dtype=np.float64), from_pandas=True)


def write_neuronpedia(
    folder: Path, model: str, rows: list[dict[str, Any]], records: list[NeuronRecord]
) -> None:
    """Write the units of one layer and kind as Neuronpedia's exports have them.

    Lines have the names and meanings of its database; who made them and when is the importer's.

    Args:
        folder: of the source, whose name is Neuronpedia's name of the layer.
        model: its name.
        rows: of `text_units.unit_rows`.
        records: of the same units.
    """
    units = [
        ({"modelId": model, "layer": folder.name, "index": row["unit"]}, row, record)
        for row, record in zip(rows, records, strict=True)
    ]
    _write(folder / "features/batch-0.jsonl.gz", (_feature(*unit) for unit in units))
    _write(folder / "activations/batch-0.jsonl.gz", (a for u in units for a in _activations(*u)))
    _write(folder / "explanations/batch-0.jsonl.gz", (e for u in units for e in _explanations(*u)))


def _feature(key: dict[str, Any], row: dict[str, Any], record: NeuronRecord) -> dict[str, Any]:
    top = [max(one.activations) for one in record.most_positive_activation_records]
    return key | {"maxActApprox": max(top, default=0)}


def _activations(
    key: dict[str, Any], row: dict[str, Any], record: NeuronRecord
) -> Iterator[dict[str, Any]]:
    excerpts = [*record.most_positive_activation_records, *record.random_sample]
    for number, one in enumerate(excerpts):
        yield {"id": f"{key['layer']}-{key['index']}-{number}"} | key | _excerpt(one)


def _excerpt(record: ActivationRecord) -> dict[str, Any]:
    values = record.activations
    return {
        "tokens": record.tokens,
        "values": values,
        "maxValue": max(values),
        "maxValueTokenIndex": values.index(max(values)),
        "minValue": min(values),
    }


def _explanations(
    key: dict[str, Any], row: dict[str, Any], record: NeuronRecord
) -> Iterator[dict[str, Any]]:
    for own in row["explanations"]:
        told = {"description": own["explanation"], "explanationModelName": own["explainer"]}
        yield {"id": f"{key['layer']}-{key['index']}-{own['explainer']}"} | key | told


def _write(path: Path, lines: Iterator[dict[str, Any]]) -> None:
    """JSON lines, packed without a date."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
