"""Answers of chat models: kept, counted and limited, and the key written nowhere."""

import gzip
import json
import logging
import os
import re
import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from chat_server import Served, endless, fails, falls_silent, nowhere, says, serving
from fastapi.responses import JSONResponse, Response

from codespectra.errors import UserError
from codespectra.explanations.chat_answers import TEMPLATE_TOKENS, Answers, NoAnswer, Reply
from codespectra.explanations.chat_budget import LimitReached
from codespectra.explanations.chat_endpoint import Endpoint
from codespectra.files import whole_files

KEY = "sk-very/secret+key-0123456789"
BOUND = 6 + TEMPLATE_TOKENS + 10  # é is two bytes


def ready(
    folder: Path, server: Served | str, *, limit: int = 10**6, timeout: float = 10, retries: int = 2
) -> Answers:
    """Answers from a server, or a URL."""
    url = server if isinstance(server, str) else server.url
    return Answers(folder, Endpoint(url, KEY), token_limit=limit, timeout=timeout, retries=retries)


def ask(answers: Answers, content: str = "héllo", model: str = "model") -> Reply:
    return answers.ask(model, [{"role": "user", "content": content}], max_tokens=10)


def in_turn(*plays: Any):
    """Plays, the last of which is repeated."""
    turns = iter(plays[:-1])
    return lambda body, request: next(turns, plays[-1])


def test_a_second_run_asks_nothing_and_remembers_what_the_first_has_cost(tmp_path) -> None:
    with serving(lambda body, _: says(body["messages"][0]["content"].upper())) as server:
        answers = ready(tmp_path, server)
        assert ask(answers).content == "HÉLLO"
        assert ask(answers, "other").content == "OTHER"
        assert answers.budget.spent == 14
        assert [body["temperature"] for body in server.asked] == [0, 0]
    again = ready(tmp_path, server)
    assert ask(again).content == "HÉLLO"
    assert again.budget.spent == 14


def test_answers_depend_on_the_model_but_not_on_where_it_is(tmp_path) -> None:
    with serving(lambda body, _: says(body["model"])) as first:
        assert ask(ready(tmp_path, first), model="a").content == "a"
        assert ask(ready(tmp_path, first), model="b").content == "b"
    with serving(in_turn(says("another"))) as second:
        answers = Answers(
            tmp_path, Endpoint(second.url, "other"), token_limit=99, timeout=9, retries=0
        )
        assert ask(answers, model="a").content == "a"
        assert not second.asked


@pytest.mark.parametrize("damage", ["", "{", '{"tokens": -1}', "[]", '{"reply": {"words": "x"}}'])
def test_a_damaged_file_is_asked_again(tmp_path, damage: str) -> None:
    with serving(in_turn(says("first"), says("second"))) as server:
        ask(ready(tmp_path, server))
        (file,) = tmp_path.glob("*.json")
        file.write_text(damage)
        assert ask(ready(tmp_path, server)).content == "second"
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    "told",
    [
        {},
        *({"usage": usage} for usage in (None, [], "x", {})),
        *({"usage": {"total_tokens": total}} for total in ("7", 1e9, 10**20, -1)),
    ],
)
def test_without_a_usage_that_can_be_the_upper_bound_counts(tmp_path, told: dict) -> None:
    answer = {"choices": [{"message": {"content": "yes"}}]} | told
    with serving(in_turn(JSONResponse(answer))) as server:
        answers = ready(tmp_path, server)
        assert ask(answers).content == "yes"
    assert answers.budget.spent == BOUND


def test_the_limit_lets_a_question_pass_that_just_fits(tmp_path) -> None:
    with serving(in_turn(says("yes"))) as server:
        with pytest.raises(LimitReached, match=rf"0 tokens of {BOUND - 1}, .* cost {BOUND}; raise"):
            ask(ready(tmp_path / "less", server, limit=BOUND - 1))
        assert not server.asked
        ask(ready(tmp_path / "enough", server, limit=BOUND))


def test_many_threads_stay_within_the_limit_and_use_it(tmp_path) -> None:
    """Each answer costs 7; the last one must still find room for its upper bound."""
    limit = BOUND + 7 * 11 - 1
    with serving(in_turn(says("yes"))) as server:
        answers = ready(tmp_path, server, limit=limit)
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(ask, answers, f"{n:06}") for n in range(40)]
        failures = [future.exception() for future in asked]
        # While room is missing a thread waits for what others give back.
        assert len(server.asked) == sum(failure is None for failure in failures) == 11
        assert all(isinstance(failure, LimitReached | None) for failure in failures)
    assert answers.budget.spent == 77 <= limit
    assert ready(tmp_path, server).budget.spent == 77


def test_equal_questions_of_two_threads_are_asked_once(tmp_path) -> None:
    together = threading.Barrier(4)

    def asking(answers: Answers) -> str:
        together.wait()
        return ask(answers).content

    with serving(in_turn(says("first"), says("second"))) as server:
        answers = ready(tmp_path, server)
        with ThreadPoolExecutor(4) as pool:
            contents = [pool.submit(asking, answers) for _ in range(4)]
        assert [future.result() for future in contents] == ["first"] * 4
        assert len(server.asked) == 1


def test_a_rate_limit_is_waited_for_and_costs_nothing(tmp_path) -> None:
    busy = fails(429, "slow down", **{"retry-after-ms": "20"})
    with serving(in_turn(busy, busy, says("at last"))) as server:
        answers = ready(tmp_path, server)
        assert ask(answers).content == "at last"
        assert len(server.asked) == 3
    assert answers.budget.spent == 7


def test_a_rate_limit_that_stays_ends_the_job(tmp_path) -> None:
    with (
        serving(in_turn(fails(429, "quota spent", **{"retry-after-ms": "1"}))) as server,
        pytest.raises(UserError, match=r"model 'model' .*429 - quota spent"),
    ):
        ask(ready(tmp_path, server))


def test_lost_tries_count_for_they_may_have_been_billed(tmp_path) -> None:
    """A time-out and a crash count in full, even in a file that never got its answer."""
    with serving(lambda body, request: falls_silent(5)) as server:
        answers = ready(tmp_path, server, timeout=0.3, retries=1)
        with pytest.raises(UserError, match=r"no answer within 0\.3 s, 2 times; raise timeout"):
            ask(answers)
        assert len(server.asked) == 2
    assert answers.budget.spent == 2 * BOUND
    crash = fails(500, "oh", **{"retry-after-ms": "1"})
    with serving(in_turn(crash, says("yes"))) as server:
        answers = ready(tmp_path, server)
        assert answers.budget.spent == 2 * BOUND
        assert ask(answers).content == "yes"
        assert answers.budget.spent == 3 * BOUND + 7
    assert ready(tmp_path, server).budget.spent == 3 * BOUND + 7


def test_a_server_that_drips_is_late_too(tmp_path) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"
    with endless(head, b" ", pause=0.05) as server:
        answers = ready(tmp_path, server.url, timeout=0.3, retries=1)
        with pytest.raises(UserError, match=r"no answer within 0\.3 s, 2 times; raise timeout"):
            ask(answers)
    assert answers.budget.spent == 2 * BOUND


def test_an_endless_answer_ends_the_job_and_is_paid(tmp_path) -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    with endless(head, b" " * 65536) as server:
        answers = ready(tmp_path, server.url, timeout=60)
        with pytest.raises(UserError, match=r"'model' is larger than 4 MiB; check OPENAI_BASE_URL"):
            ask(answers)
    assert answers.budget.spent == BOUND


def test_gzip_is_what_is_asked_for_and_understood(tmp_path) -> None:
    heard = []

    def play(body: dict, request: Any) -> Any:
        heard.append(request.headers["accept-encoding"])
        return Response(gzip.compress(says("yes").body), headers={"content-encoding": heard[-1]})

    with serving(play) as server:
        assert ask(ready(tmp_path, server)).content == "yes"
    assert heard == ["gzip"]


def test_endless_headers_are_told_after_the_retries(tmp_path) -> None:
    with endless(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 1000) as server:
        answers = ready(tmp_path, server.url, timeout=60, retries=1)
        with pytest.raises(UserError, match="answers in no whole HTTP; check OPENAI_BASE_URL"):
            ask(answers)
    assert answers.budget.spent == 2 * BOUND


def test_a_redirection_is_told_and_costs_nothing(tmp_path) -> None:
    """Neither the question nor the key goes to whoever is named."""
    with serving(in_turn(says("caught"))) as other:
        moved = Response(status_code=307, headers={"location": f"{other.url}/chat/completions"})
        with serving(in_turn(moved)) as server:
            answers = ready(tmp_path, server)
            with pytest.raises(
                UserError, match=r"sends elsewhere \(status 307\).* OPENAI_BASE_URL"
            ):
                ask(answers)
        assert not other.asked
    assert answers.budget.spent == 0


def test_retries_stay_within_the_limit(tmp_path) -> None:
    crash = fails(500, "oh", **{"retry-after-ms": "1"})
    with serving(in_turn(crash)) as server:
        with pytest.raises(LimitReached, match=f" {2 * BOUND} tokens"):
            ask(ready(tmp_path, server, limit=3 * BOUND - 1, retries=9))
        assert len(server.asked) == 2


def test_a_question_on_its_way_is_charged_before_it_is_sent(tmp_path) -> None:
    """So that a killed job leaves nothing uncounted."""
    found = []

    def play(body: dict, request: Any) -> Any:
        found.extend(json.loads(file.read_text()) for file in tmp_path.glob("*.json"))
        return says("yes")

    with serving(play) as server:
        ask(ready(tmp_path, server))
    assert found == [{"tokens": BOUND, "reply": None}]


@pytest.mark.parametrize(
    "answer",
    [
        says(None, refusal="I'd rather not"),
        says(None),
        says("half of", finish_reason="content_filter"),
        says("", refusal="no"),
        fails(400, "policy"),
    ],
    ids=["refusal", "no content", "filtered", "empty", "filtered prompt"],
)
def test_a_refusal_is_no_answer_and_is_kept(tmp_path, answer: Any) -> None:
    if answer.status_code == 400:
        answer.body = json.dumps(
            {"error": {"message": "policy", "code": "content_filter"}}
        ).encode()
        answer.headers["content-length"] = str(len(answer.body))
    with serving(in_turn(answer)) as server:
        for _ in range(2):
            with pytest.raises(NoAnswer, match=r"^refused: "):
                ask(ready(tmp_path, server))
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (fails(401, f"Incorrect API key provided: {KEY}"), r"status 401\); check OPENAI_API_KEY"),
        (fails(403, f"{KEY} may not"), r"status 403\); check OPENAI_API_KEY"),
        (fails(404, f"no model for {KEY}"), r"no model 'model' .*\[redacted\].* OPENAI_MODEL"),
        (fails(400, f"{KEY} " + "long " * 500), r"declines model 'model' .*\[redacted\]"),
    ],
)
def test_what_ends_the_job_is_one_short_line_without_the_key(
    tmp_path, caplog, answer: Any, message: str
) -> None:
    with serving(in_turn(answer)) as server:
        answers = ready(tmp_path, server)
        with pytest.raises(UserError, match=message) as failure:
            ask(answers)
        with pytest.raises(UserError, match=message):
            ask(answers, "another question")
        assert len(server.asked) == 1
    text = str(failure.value)
    assert len(text) < 700 and "\n" not in text
    assert answers.budget.spent == 0
    files = [file.read_text() for file in tmp_path.glob("*.json")]
    assert not any(KEY in written for written in [*files, text, caplog.text])


QUOTED = {
    "whole": KEY,
    "a part": KEY[6:20],
    "in two lines": f"{KEY[:9]}\n{KEY[9:]}",
    "base64": b64encode(f"me:{KEY}".encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
}


@pytest.mark.parametrize(
    "answer",
    [
        lambda said: says(said),
        lambda said: says(None, refusal=said),
        lambda said: says(None, finish_reason=said),
        lambda said: fails(400, said),
        lambda said: fails(404, f"no model {said}"),
        lambda said: fails(409, said),
        lambda said: fails(422, said),
        lambda said: fails(429, said),
        lambda said: fails(500, said),
        lambda said: fails(418, said),
        lambda said: JSONResponse({"error": {"message": said, "code": "content_filter"}}, 400),
        lambda said: JSONResponse({"error": {"code": said, "type": said}}, 400),
        lambda said: Response(said, status_code=503),
        lambda said: Response(said, headers={"content-encoding": said.replace("\n", " ")}),
    ],
)
def test_nothing_that_comes_back_tells_the_key(tmp_path, caplog, answer: Any) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    with serving(lambda body, _: answer(QUOTED[body["messages"][0]["content"]])) as server:
        for way in QUOTED:
            try:
                told.append(ask(ready(tmp_path, server, retries=0), way).content)
            except (NoAnswer, UserError) as error:
                told.append(str(error))
        assert len(server.asked) == len(QUOTED)
    texts = [*told, *(file.read_text() for file in tmp_path.glob("*.json")), caplog.text]
    told_of = [said for said in QUOTED.values() for text in texts if said[2:] in text]
    assert not told_of


@pytest.mark.parametrize("login", ["", "user:hunter2-hunter2@", "user:hunter2%2Fhunter2@"])
def test_a_key_that_is_echoed_stays_out_of_answers_and_logs(tmp_path, caplog, login: str) -> None:
    """The openai client sends a login in the URL instead of the key."""
    caplog.set_level(logging.DEBUG)
    sent = []

    def play(body: dict, request: Any) -> Any:
        sent.append(request.headers["authorization"])
        key = sent[-1].split()[1]
        said = f"{key} {quote(key, safe='')} {KEY}"
        return says(f"it is {said}") if body["model"] == "a" else says(None, refusal=said)

    with serving(play) as server:
        answers = ready(tmp_path, server.url.replace("http://", f"http://{login}"))
        hidden = " ".join(["[redacted]"] * 3)
        assert ask(answers, model="a").content == f"it is {hidden}"
        with pytest.raises(NoAnswer, match=f"^refused: {re.escape(hidden)}$"):
            ask(answers, model="b")
    secrets = [KEY, quote(KEY), "hunter2", *(header.split()[1] for header in sent)]
    files = [file.read_text() for file in tmp_path.glob("*.json")]
    assert len(files) == 2
    assert not [s for s in secrets if any(s in text for text in [*files, caplog.text])]


def test_answers_are_for_the_eyes_of_their_user_alone(tmp_path, monkeypatch) -> None:
    """From the start, when they are written anew, and in a folder that was open before."""
    (tmp_path / "answers").mkdir(mode=0o755)
    folders = [tmp_path / "answers", tmp_path / "deep" / "answers"]
    seen, publish = [], whole_files.publish

    def look(temporary: Path, path: Path) -> None:
        seen.append(temporary.stat().st_mode & 0o777)
        publish(temporary, path)

    monkeypatch.setattr(whole_files, "publish", look)
    before = os.umask(0)
    try:
        with serving(in_turn(says("yes"))) as server:
            for folder in folders:
                ask(ready(folder, server))
    finally:
        os.umask(before)
    assert set(seen) == {0o600} and len(seen) == 4
    for folder in folders:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o600]


def test_a_folder_that_stays_open_is_refused(tmp_path) -> None:
    (tmp_path / "answers").write_text("")
    with pytest.raises(UserError, match=r"answers: can't be closed to others \(File exists\)"):
        ready(tmp_path / "answers", "http://there/v1")


def test_nobody_there_is_told_and_costs_nothing(tmp_path) -> None:
    answers = ready(tmp_path, nowhere(), retries=1)
    with pytest.raises(UserError, match="can't be reached; check OPENAI_BASE_URL"):
        ask(answers)
    assert answers.budget.spent == 0


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>",
        b"{",
        b"{}",
        b'{"choices": []}',
        b"[1]",
        b"\xff",
        b"[" * 100_000,
        b'{"choices": [{"message": {"content": {"text": "x"}}}]}',
        b'{"choices": [{"message": {"refusal": ["x"]}}]}',
        b'{"choices": [{"message": "x"}]}',
        b'{"usage": %s}' % (b"9" * 5000),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_a_server_of_another_kind_is_told(tmp_path, body: bytes, kind: str) -> None:
    with (
        serving(in_turn(Response(body, media_type=kind))) as server,
        pytest.raises(UserError, match="no chat completion; check OPENAI_BASE_URL"),
    ):
        ask(ready(tmp_path, server))


@pytest.mark.parametrize(
    ("key", "url", "message"),
    [
        ("", "http://there/v1", "OPENAI_API_KEY: not set"),
        ("sk-secret\n", "http://there/v1", "OPENAI_API_KEY: has a blank"),
        ("sk-secrét", "http://there/v1", "OPENAI_API_KEY: has a blank"),
        ("sk-secret", "secret:8000", "OPENAI_BASE_URL: not a URL"),
        ("sk-secret", "http://me:secret@[there", "OPENAI_BASE_URL: not a URL"),
        ("sk-secret", "http://secret\n/v1", "OPENAI_BASE_URL: not a URL"),
        ("sk-secret", "http:///secret", "OPENAI_BASE_URL: not a URL"),
    ],
)
def test_an_environment_that_names_no_endpoint_is_told(key: str, url: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as failure:
        Endpoint.of({"OPENAI_API_KEY": key, "OPENAI_BASE_URL": url})
    assert "secret" not in str(failure.value) and "\n" not in str(failure.value)


def test_the_environment_names_the_endpoint() -> None:
    found = Endpoint.of({"OPENAI_API_KEY": "sk-secret", "OPENAI_BASE_URL": "http://[::1]:80/v1"})
    assert found == Endpoint("http://[::1]:80/v1", "sk-secret")
    assert Endpoint.of({"OPENAI_API_KEY": "sk-secret"}).url is None
