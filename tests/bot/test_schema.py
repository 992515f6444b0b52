from __future__ import annotations

from bench import schema


def test_no_generated_request_breaks_the_contract() -> None:
    """schemathesis, with all its checks: no 5xx, nothing that the OpenAPI document doesn't say.
    `python -m bench.schema` tries 20,000, on a server with several programmes, too.
    """
    tried = schema.run(5, seed=2)
    assert not tried.failed, tried.report
    assert tried.cases > 150, tried.report
