"""What roles and tokens may do."""

from __future__ import annotations

from itertools import pairwise

import pytest

from monitor.domain.account import MAY, Permission, Role, Visitor


def _visitor(role: Role, scopes: frozenset[Permission] | None = None) -> Visitor:
    return Visitor("claire", "Claire", role, "fr", "Europe/Paris", "token" if scopes is not None else "console", "", scopes)


def test_each_role_may_more_than_the_one_before() -> None:
    """A role has what those before it have, and something of its own."""
    assert all(MAY[lower] < MAY[higher] for lower, higher in pairwise(Role))
    assert MAY[Role.VIEWER] == {Permission.LOOK}
    assert MAY[Role.ADMIN] == set(Permission)


def test_only_managers_decide_and_only_admins_administer() -> None:
    """Whoever watches the feed can neither approve a statement nor make accounts."""
    assert not _visitor(Role.MONITOR).may(Permission.DECIDE)
    assert _visitor(Role.MANAGER).may(Permission.DECIDE)
    assert not _visitor(Role.MANAGER).may(Permission.ADMINISTER)


@pytest.mark.parametrize("permission", Permission)
def test_a_token_never_may_more_than_its_owner(permission: Permission) -> None:
    """A scope gives nothing that the role has not; and without the scope, the role gives nothing."""
    everything, nothing = frozenset(Permission), frozenset[Permission]()
    assert _visitor(Role.VIEWER, everything).may(permission) == (permission is Permission.LOOK)
    assert not _visitor(Role.ADMIN, nothing).may(permission)
