"""What network policies let through, by the rules of networking.k8s.io/v1, as far as deploy/kubernetes uses them."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Policy = Mapping[str, Any]


class Pod(Struct, frozen=True):
    """One kind of pod, and the labels of its namespace; without any it is where the policies are."""

    name: str
    labels: dict[str, str]
    namespace: dict[str, str]


def may_reach(policies: Sequence[Policy], source: Pod, target: Pod, port: int) -> bool:
    """Both ends have to agree."""
    return _lets(policies, "egress", source, target, port) and _lets(policies, "ingress", target, source, port)


def may_leave(policies: Sequence[Policy], pod: Pod, port: int) -> bool:
    """For some address outside the cluster."""
    return _lets(policies, "egress", pod, None, port)


def may_be_entered(policies: Sequence[Policy], pod: Pod, port: int) -> bool:
    """From anywhere."""
    return _lets(policies, "ingress", pod, None, port)


def _lets(policies: Sequence[Policy], way: str, pod: Pod, other: Pod | None, port: int) -> bool:
    mine = [policy["spec"] for policy in policies if not pod.namespace and way.capitalize() in policy["spec"]["policyTypes"]]
    mine = [spec for spec in mine if _selects(spec["podSelector"], pod.labels)]
    if not mine:
        return True
    rules = [rule for spec in mine for rule in spec.get(way, [])]
    return any(_has(rule, port) and _knows(rule.get("to" if way == "egress" else "from"), other) for rule in rules)


def _has(rule: Mapping[str, Any], port: int) -> bool:
    return "ports" not in rule or any(entry["port"] == port for entry in rule["ports"])


def _knows(peers: Sequence[Mapping[str, Any]] | None, other: Pod | None) -> bool:
    if peers is None:
        return True
    if other is None:
        return any("ipBlock" in peer for peer in peers)
    return any("ipBlock" not in peer and _is(peer, other) for peer in peers)


def _is(peer: Mapping[str, Any], pod: Pod) -> bool:
    """Without a namespaceSelector a peer is where the policy is."""
    is_there = _selects(peer["namespaceSelector"], pod.namespace) if "namespaceSelector" in peer else not pod.namespace
    return is_there and _selects(peer.get("podSelector", {}), pod.labels)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    expressions = selector.get("matchExpressions", [])
    assert all(expression["operator"] == "In" for expression in expressions)
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )
