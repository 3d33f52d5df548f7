"""What runs again and why: words from plain data, and from real runs of a small workflow."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project import ROOT
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    RerunTrigger,
    ResourceSettings,
)
from snakemake_interface_common.exceptions import WorkflowError

from codespectra.files.manifests import write_signed
from codespectra.files.second_names import index_name, keep_outputs
from codespectra.jobs.code_digest import changed_files, code_digest
from codespectra.jobs.growth import Growth
from codespectra.jobs.rerun_causes import (
    NEW,
    Rerun,
    changed_inputs,
    changed_params,
    lines_of_reruns,
)

# Snakemake's own use of its solver.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pulp")
CODE = "'0123456789abcdef'"
NOWHERE = Path("nowhere")


def causes(before: dict, now: dict) -> list[str]:
    """Causes of a stage whose code stays as it was."""
    return changed_params("fit", [CODE, repr(before)], [CODE, repr(now)], NOWHERE)


def project(folder: Path, **modules: str) -> Path:
    """A script that reaches the modules."""
    (folder / "codespectra").mkdir(parents=True)
    for name, text in modules.items():
        (folder / f"codespectra/{name}.py").write_text(text)
    script = folder / "fit.py"
    script.write_text("".join(f"import codespectra.{name}\n" for name in modules))
    return script


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({"m": 5, "seed": 0}, {"m": 9, "seed": 0}, ["m 5 -> 9"]),
        ({"m": 5, "seed": 0}, {"m": 9, "seed": 1}, ["m 5 -> 9", "seed 0 -> 1"]),
        ({"a": {"b": {"c": None}}}, {"a": {"b": {"c": "x"}}}, ["a.b.c None -> 'x'"]),
        ({"k": [1, 2]}, {"k": [2, 1]}, ["k [1, 2] -> [2, 1]"]),
        ({"k": 1}, {"k": 1.0}, ["k 1 -> 1.0"]),
        ({}, {"k": {"z": 1}}, ["k is new: {'z': 1}"]),
        ({"k": {"z": 1}}, {}, ["k is gone"]),
        (
            {"layers": [f"layer{i}.relu" for i in range(9)]},
            {"layers": [f"layer{i}.relu" for i in range(1, 10)]},
            ["layers with layer9.relu, without layer0.relu"],
        ),
        (
            {"layers": [f"layer{i}.relu" for i in range(9)]},
            {"layers": [f"layer{i}.relu" for i in reversed(range(9))]},
            ["layers in another order"],
        ),
        ({"images": "a" * 64}, {"images": "b" * 64}, ["images has changed"]),
        ({"same": 1}, {"same": 1}, []),
    ],
)
def test_changed_keys(before, now, words):
    assert causes(before, now) == words


def test_shortened_paths_still_differ():
    old, new = (f"data/{'deep/' * 20}{name}" for name in ("old", "new"))
    (words,) = causes({"root": old}, {"root": new})
    before, _, now = words.removeprefix("root ").partition(" -> ")
    assert before != now
    assert len(words) < 100


def test_params_that_cannot_be_read_back_are_not_passed_over():
    assert causes({"x": float("inf")}, {"x": float("nan")}) == ["its params have changed"]


def test_changed_code_is_named(tmp_path):
    notes = tmp_path / "notes"
    old = project(tmp_path / "old", colors="RED = 1\n", shapes="ROUND = 1\n")
    new = project(tmp_path / "new", colors="RED = 2\n", shapes="ROUND = 1  # A comment.\n")
    before, now = (repr(code_digest(script, notes)) for script in (old, new))
    assert changed_params("fit", [before], [now], notes) == ["colors.py has changed"]
    unknown = changed_params("fit", [CODE], [now], notes)
    assert unknown == ["the code of fit or of a module it reaches has changed"]


def test_changed_files_are_those_that_differ(tmp_path):
    old = project(tmp_path / "old", a="A = 1\n", b="B = 1\n")
    new = project(tmp_path / "new", b="B = 2\n", c="C = 1\n")
    digests = [code_digest(script, tmp_path) for script in (old, new)]
    assert changed_files(*digests, tmp_path) == ["a.py", "b.py", "c.py", "fit.py"]
    assert changed_files(digests[0], digests[0], tmp_path) == []


def test_changed_inputs():
    assert changed_inputs(["a", "b"], ["b", "c"]) == ["also reads c", "no longer reads a"]
    assert changed_inputs(["a", "b"], ["b", "a"]) == []


def test_causes_come_first_and_followers_name_them():
    jobs = [
        Rerun("make", ("seed 0 -> 1",), ()),
        Rerun("train", (), (0,)),
        Rerun("score", ("m 5 -> 9",), ()),
        Rerun("score", ("m 5 -> 9",), (1,)),
        Rerun("draw", (), (1,)),
        Rerun("judge", (), (2, 3)),
        Rerun("halve", ("m 5 -> 9",), ()),
    ]
    assert lines_of_reruns(jobs) == [
        "make (1 job): seed 0 -> 1",
        "score, halve (3 jobs): m 5 -> 9",
        "train, draw (2 jobs): follow from make",
        "judge (1 job): follows from score",
    ]


def test_a_stage_with_jobs_of_both_kinds():
    jobs = [
        Rerun("make", ("seed 0 -> 1",), ()),
        Rerun("fit", (), (0,)),
        Rerun("fit", (NEW,), ()),
    ]
    assert lines_of_reruns(jobs)[1] == f"fit (2 jobs): {NEW}; others follow from make"


def grown(new: str, kept: str, own: bool = True) -> Growth:
    return Growth(tuple(new.split()), (), tuple(kept.split()), own)


def test_a_stage_that_grows_says_what_stays():
    jobs = [
        Rerun("capture", (NEW,), (), grown("l3", "l1 l2", own=False)),
        Rerun("find", ("layers with l3",), (0,), grown("l3", "l1 l2")),
        Rerun("find", (NEW,), (0,), grown("pca", "nmf", own=False)),
        Rerun("score", ("layers with l3",), (1,), grown("l3", "l1")),
        Rerun("draw", (), (3,)),
    ]
    assert lines_of_reruns(jobs) == [
        "capture (1 job): l3 new; l1, l2 as they are",
        "find (2 jobs): l3, pca new; l1, l2, nmf as they are",
        "score (1 job): l3 new; l1 as it is",
        "draw (1 job): follows from score",
    ]


def test_nothing_of_a_job_stays_after_one_that_changes():
    jobs = [
        Rerun("train", ("seed 0 -> 1",), ()),
        Rerun("find", ("layers with l3",), (0,), grown("l3", "l1 l2")),
        Rerun("score", ("layers with l3",), (1,), grown("l3", "l1 l2")),
    ]
    assert lines_of_reruns(jobs)[1:] == ["find, score (2 jobs): layers with l3"]


def test_a_first_run_is_one_line_and_no_run_is_none():
    first = [Rerun(f"rule{i % 9}", (NEW,), (i - 1,) if i else ()) for i in range(57)]
    assert lines_of_reruns(first) == ["everything that runs is new: 57 jobs"]
    assert lines_of_reruns([]) == []


@st.composite
def runs(draw) -> list[Rerun]:
    """Jobs that have causes or wait for others, as Snakemake's do."""
    jobs: list[Rerun] = []
    for at in range(draw(st.integers(1, 60))):
        after = draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else set()
        own = st.lists(st.sampled_from(["m 1 -> 2", "k.py has changed", NEW]), min_size=not after)
        rule = f"rule{draw(st.integers(0, 40))}"
        jobs.append(Rerun(rule, tuple(draw(own)), tuple(sorted(after))))
    return jobs


@given(runs())
def test_every_job_is_counted_once_in_few_lines(jobs):
    lines = lines_of_reruns(jobs)
    assert 1 <= len(lines) <= 20
    if not re.fullmatch(r"and \d+ more", lines[-1]):
        counts = [re.search(r"(\d+) jobs?\b", line)[1] for line in lines]
        assert sum(map(int, counts)) == len(jobs)
    follows = [": follow" in line for line in lines if "job" in line]
    assert follows == sorted(follows)


WORKFLOW = f"""
from pathlib import Path
from codespectra.jobs.code_digest import code_digest
REMEMBERED = Path("notes")
include: "{ROOT}/workflow/rules/reruns.smk"
rule all:
    input: "sum.txt"
rule number:
    output: "number_{{n}}.txt"
    benchmark: "benchmarks/number_{{n}}.jsonl"
    params: cfg=lambda w: {{"n": w.n, "scale": config["scale"], "layers": config["layers"]}}
    shell: "echo {{params.cfg[scale]}} > {{output}}"
rule add:
    input: numbers=[f"number_{{n}}.txt" for n in config["numbers"]], given="given.txt"
    output: "sum.txt"
    params: code=code_digest(Path.cwd() / config["scripts"] / "fit.py", REMEMBERED)
    shell: "cat {{input}} > {{output}}"
onsuccess: say_what_ran()
onerror: say_what_ran()
"""
CONFIG = {"scale": 1, "numbers": [1, 2], "scripts": "before", "layers": ["l1", "l2"]}


class Small:
    """A small workflow in a folder, run as a user's `snakemake --quiet` or `-n --quiet`."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture):
        self.folder, self.capfd = folder, capfd
        (folder / "Snakefile").write_text(WORKFLOW)
        (folder / "given.txt").write_text("7\n")
        project(folder / "before", colors="RED = 1\n")
        project(folder / "after", colors="RED = 2\n")

    def run(self, dry: bool = True, force: str | None = None, **config) -> list[str]:
        """What is said of why jobs run; for how long, and what ran, stand apart."""
        quiet = {Quietness.PROGRESS, Quietness.RULES}
        triggers = {"mtime", "params", "input", "software-env"}
        with SnakemakeApi(OutputSettings(quiet=quiet, dryrun=dry, nocolor=True)) as api:
            flow = api.workflow(
                snakefile=self.folder / "Snakefile",
                workdir=self.folder,
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(config=CONFIG | config),
            )
            settings = DAGSettings(
                rerun_triggers=RerunTrigger.parse_choices_set(triggers),
                forcerun={force} - {None},
                force_incomplete=True,
            )
            flow.dag(settings).execute_workflow(executor="dryrun" if dry else "local")
        self.ran, self.said = self.capfd.readouterr()
        block = self.said.partition("What runs, and why:\n")[2].partition("\n\n")[0]
        lines = [line.strip() for line in block.splitlines()]
        self.expected = [line for line in lines if line.startswith(("expected:", "passed over"))]
        return [line for line in lines if line not in self.expected]


@pytest.fixture
def small(tmp_path, capfd) -> Small:
    return Small(tmp_path, capfd)


@pytest.fixture
def done(small) -> Small:
    assert small.run(dry=False) == ["everything that runs is new: 3 jobs"]
    return small


def test_nothing_is_said_when_nothing_runs(done):
    assert done.run() == []


def test_a_changed_value_is_said_by_a_dry_run_and_by_the_run(done):
    words = ["number (2 jobs): scale 1 -> 3", "add (1 job): follows from number"]
    assert done.run(scale=3) == words
    assert done.run(dry=False, scale=3) == words
    assert done.run(scale=3) == []


def test_a_changed_value_of_a_stage_that_follows_is_said_too(done):
    words = ["number (2 jobs): scale 1 -> 3", "add (1 job): colors.py has changed"]
    assert done.run(scale=3, scripts="after") == words


def test_more_inputs(done):
    assert done.run(numbers=[1, 2, 3]) == [
        "number (1 job): 3 new; 1, 2 as they are",
        "add (1 job): also reads number_3.txt",
    ]


def test_what_a_job_takes_over_is_said(done):
    more = {"layers": ["l1", "l2", "l3"]}
    assert done.run(**more)[0] == "number (2 jobs): layers ['l1', 'l2'] -> ['l1', 'l2', 'l3']"
    for file in done.folder.glob("number_*.txt"):
        keep_outputs([file])
        write_signed(index_name(file), {"axes": ["layers"]})
    stays = "l3 new; l1, l2 as they are"
    assert done.run(**more)[0] == f"number (2 jobs): {stays}"
    assert done.run(**more, numbers=[1, 2, 3])[0] == (
        "number (3 jobs): l3, 3 new; l1, l2, 1, 2 as they are"
    )
    assert stays not in done.run(**more, scale=2)[0]
    index_name(file).write_text("{}")  # of one: nothing to take over
    assert done.run(**more)[0].endswith("-> ['l1', 'l2', 'l3']")


def test_an_edited_input_and_a_deleted_output(done):
    (done.folder / "given.txt").write_text("8\n")
    assert done.run() == ["add (1 job): given.txt has changed"]
    (done.folder / "sum.txt").unlink()
    assert done.run()[0].startswith("add (1 job): sum.txt is missing")


def test_force_and_interruption(done):
    assert done.run(force="add") == ["add (1 job): asked for by force"]
    (record,) = (
        f for f in (done.folder / ".snakemake/metadata").iterdir() if b"add" in f.read_bytes()
    )
    (done.folder / ".snakemake/incomplete" / record.name).write_text("{}")
    assert done.run() == ["add (1 job): interrupted the last time"]


def test_how_long_it_will_take(done):
    (done.folder / "benchmarks/number_1.jsonl").write_text('{"s": 60}\n')
    (done.folder / "benchmarks/number_2.jsonl").write_text("no JSON")
    done.run(scale=3, numbers=[1, 2, 3])
    assert done.expected == [
        "expected: 3 min of computing, by earlier runs of 1 of 4 jobs and of jobs like 2 more; "
        "nothing is known of 1 job (add)",
        "passed over, being no benchmark: benchmarks/number_2.jsonl",
    ]


def test_what_ran_is_said_after_the_run(done):
    assert done.run(scale=3) and done.ran == ""
    done.run(dry=False, scale=3, numbers=[1, 3])
    head, *stages = done.ran.splitlines()
    assert re.match(r"What ran: 3 jobs, \d+ s in all; the results of 0 jobs stay", head)
    assert {line.split(",")[0].strip() for line in stages} == {"number: 2 jobs", "add: 1 job"}
    (done.folder / "given.txt").write_text("8\n")
    done.run(dry=False, scale=3, numbers=[1, 3])
    assert "What ran: 1 job, 0 s in all; the results of 2 jobs stay" in done.ran


def test_a_failed_job_and_those_that_wait_for_it_are_counted(small):
    with pytest.raises(WorkflowError):
        small.run(dry=False, scale="1 && exit 3")
    ran = small.capfd.readouterr().out
    assert "failed: 1 job (number)" in ran and "not run: 2 jobs (number, add)" in ran


def test_a_target_that_an_option_has_taken_is_named(small):
    small.run(force="all")
    assert "--forcerun has taken all for itself" in small.said


def test_what_cannot_be_explained_is_a_warning(done):
    for note in (done.folder / "notes").glob(f"{'?' * 16}.json"):
        note.write_text("no JSON")
    assert done.run(dry=False, scripts="after") == []
    assert "Can't say why stages run again" in done.said
    assert done.run(scripts="after") == []
