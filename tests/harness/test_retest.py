import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.facts import Fact, Query
from harness.execution.plan import Plan, Request
from harness.models.queries import EncodedQuery
from harness.pipeline import retest


def plan_of(relations: list[str]) -> Plan:
    requests: list[Request] = []
    for number, relation in enumerate(relations):
        fact = Fact(uid=str(number), relation=relation, subject="s", object="o")
        query = Query(fact=fact, index=0, pattern_id=f"{relation}:1", prompt=f"a b {number}")
        requests.append(Request(query=query, encoded=EncodedQuery(prompt="", prompt_ids=(1,), answer_ids=(2,))))
    return Plan(requests=tuple(requests), unscored={})


@settings(max_examples=50, deadline=None)
@given(relations=st.lists(st.sampled_from("dacb"), min_size=1, max_size=40), seed=st.integers(0, 3))
def test_relations_take_turns_by_name_each_in_the_order_that_was_drawn(relations: list[str], seed: int) -> None:
    plan = plan_of(relations)
    drawn = [plan.requests[i].query for i in np.random.default_rng([seed, 0x5E7E57]).permutation(len(relations))]
    seen = [(sum(other.fact.relation == q.fact.relation for other in drawn[:i]), q) for i, q in enumerate(drawn)]
    in_turn = sorted(seen, key=lambda item: (item[0], item[1].fact.relation))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retest, "RETEST_QUERIES", 20)
        unchanged, *changed = retest.retest_forms(plan, seed)
    assert unchanged == [query for _turn, query in in_turn[:20]]
    assert [len(form) for form in changed] == [len(unchanged)] * 3
