"""What may be asked of an alert: what it says of itself, and all that may be asked of the mention that rang it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from rules.base import some
from rules.model import Severity
from rules.where import FieldTest, Label, Where, bare, several

_AtLeastOne = Field(json_schema_extra={"minItems": 1})
_Severities = Annotated[tuple[Severity, ...], AfterValidator(some), _AtLeastOne]


class SeverityTest(FieldTest):
    """Tests of how loud an alert is: info < warning < critical."""

    is_: Severity | None = Field(None, alias="is", description="is just this loud; a bare name means the same")
    in_: _Severities | None = Field(None, alias="in", description="is one of these")
    not_: Annotated[_Severities, BeforeValidator(several, json_schema_input_type=Severity | _Severities)] | None = Field(
        None, alias="not", description="is none of these"
    )
    lte: Severity | None = Field(None, description="at most this loud")
    gte: Severity | None = Field(None, description="at least this loud")


Loudness = Annotated[SeverityTest, BeforeValidator(bare, json_schema_input_type=Severity | SeverityTest)]


class AlertWhere(Where):
    """Conditions on an alert; all must hold. What is unknown never matches, not even under `not`.

    Beside what an alert says of itself, all may be asked that `where` of a rule asks of a mention: the one that rang the alert.
    Where many did (a window), only what they have in common is known: what the alert's key says, such as its subject.
    """

    rule: Label | None = Field(None, description="the id of its rule")
    kind: Label | None = Field(None, description="the kind of its rule, such as mention or window")
    severity: Loudness | None = Field(None, description="how loud it is: info < warning < critical")
    category: Label | None = Field(None, description="alert, opportunity, or health: what is about Tocsin itself")
    any_: Annotated[tuple[AlertWhere, ...], AfterValidator(some), _AtLeastOne] | None = Field(
        None, alias="any", description="at least one of these holds"
    )
    all_: Annotated[tuple[AlertWhere, ...], AfterValidator(some), _AtLeastOne] | None = Field(
        None, alias="all", description="every one of these holds"
    )
    not_: AlertWhere | None = Field(None, alias="not", description="this does not hold; the unknown stays unknown")
