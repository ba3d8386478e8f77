"""What the document cannot say of the answers, as checks of schemathesis. Knows no server."""

import json

import schemathesis
from schemathesis import Case, CheckContext, Response

EVERY_ANSWER = {"content-type", "content-length", "transfer-encoding", "connection", "date"}
"""Headers of HTTP itself, which no document lists."""

PROBLEM = "application/problem+json"
REQUEST_TIMEOUT_MS = 10_000
"""The setting request_timeout_s of the server: who allows more gets no more."""


@schemathesis.check
def no_header_is_undocumented(ctx: CheckContext, response: Response, case: Case) -> None:
    documented = case.operation.responses.find_by_status_code(response.status_code)
    if documented is None:  # of a method that is not in the document
        return
    told = {name.lower() for name, _ in documented.headers.items()}
    undocumented = set(response.headers) - told - EVERY_ANSWER
    assert not undocumented, f"undocumented headers: {', '.join(sorted(undocumented))}"


@schemathesis.check
def problems_say_what_the_answer_says(ctx: CheckContext, response: Response, case: Case) -> None:
    if response.status_code < 400 or "/health/" in case.path:
        return
    assert response.headers["content-type"] == [PROBLEM], response.headers["content-type"]
    problem = json.loads(response.content)
    assert problem["status"] == response.status_code
    assert problem["type"].startswith("/problems/")
    assert [problem["request_id"]] == response.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]


@schemathesis.check
def deadlines_pass_only_for_who_set_one(ctx: CheckContext, response: Response, case: Case) -> None:
    if response.status_code == 504:
        allowed = response.request.headers.get("X-Request-Timeout-Ms", "none")
        assert allowed.isdecimal(), f"504 for a deadline of {allowed} ms"
        assert int(allowed) < REQUEST_TIMEOUT_MS, f"504 for a deadline of {allowed} ms"
