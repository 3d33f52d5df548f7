"""What is new to a stage, beside what stands."""

import pytest

from codespectra.jobs.growth import Growth, Standing, own_growth, together


def place(**wildcards: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(value.split()) for name, value in wildcards.items()}


STANDING = [
    *(place(model="a", stimuli="x", method=method) for method in ("pca", "ica")),
    place(model="b", stimuli="x", method="pca"),
    place(model="b", stimuli="y", method="pca"),
]


@pytest.mark.parametrize(
    ("new", "names"),
    [
        # One more of the last wildcard; of an earlier one; one that another run has already.
        (("a", "x", "nmf"), (("nmf",), ("pca", "ica"))),
        (("c", "x", "pca"), (("c",), ("a", "b"))),
        (("b", "x", "ica"), (("ica",), ("pca",))),
        (("b", "z", "pca"), (("z",), ("x", "y"))),
        # New in two ways: nothing stands beside it.
        (("c", "x", "nmf"), None),
        (("c", "z", "pca"), None),
    ],
)
def test_a_new_job_is_named_by_what_tells_it_from_those_that_stand(new, names):
    found = Standing(STANDING).growth(place(**dict(zip(STANDING[0], new, strict=True))))
    assert (None if found is None else (found.new, found.kept)) == names


def test_a_piece_is_named_by_what_it_holds():
    standing = Standing([place(model="a", piece="l1 l2"), place(model="b", piece="l3")])
    assert standing.growth(place(model="a", piece="l3 l2")) == Growth(
        ("l3",), (), ("l1", "l2"), own=False
    )
    assert standing.growth(place(model="c", piece="l4")) is None


def test_a_wildcard_that_matches_nothing_is_no_name():
    assert Standing([place(prefix="")]).growth(place(prefix="coding-")) is None


CFG = {
    **{"layers": ["l1", "l2"], "methods": ["pca"], "color": False},
    **{"parts": {"mlp": ["*.act"]}, "m": 5, "options": {"k": [1]}},
}
AXES = ("layers", "methods", "color", "parts")


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"layers": ["l0", "l1", "l2"]}, (("l0",), (), ("l1", "l2"))),
        ({"layers": ["l2", "l3"]}, (("l3",), ("l1",), ("l2",))),
        (
            {"layers": ["l1", "l3"], "methods": ["pca", "nmf"]},
            (("l3", "nmf"), ("l2",), ("l1", "pca")),
        ),
        ({"parts": {"mlp": ["*.act"], "attn": ["a"]}}, (("attn",), (), ("mlp",))),
        ({"color": True, "methods": ["pca", "ica"]}, (("color", "ica"), (), ("pca",))),
        # Nothing of it stays, or only their order is another.
        ({"layers": ["l3"]}, None),
        ({"layers": ["l2", "l1"]}, None),
        # What each item follows from has changed too, or is no list of items.
        ({"layers": ["l1", "l2", "l3"], "m": 6}, None),
        ({"options": {"k": [1, 2]}}, None),
        ({"ranks": [1, 2]}, None),
        ({"parts": {"mlp": ["*"]}}, None),
        ({}, None),
    ],
)
def test_params_grow_along_the_axes_of_a_stage_alone(changes, names):
    found = own_growth(CFG, CFG | changes, AXES)
    assert (None if found is None else (found.new, found.gone, found.kept)) == names


def test_what_is_new_to_one_job_is_new_to_its_stage():
    jobs = [Growth(("l3",), ("l0",), ("l1", "l2"), True), Growth(("l2",), ("l1",), ("l0",), True)]
    assert together(jobs) == Growth(("l3", "l2"), (), ("l1", "l0"), True)
