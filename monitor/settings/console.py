"""The console: how long people stay signed in, and who else may say who they are: an identity provider, or a proxy."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from monitor.domain.account import Role
from monitor.settings.kinds import Text, Texts
from rules.duration import Duration

Network = IPv4Network | IPv6Network


def _one_or_many(written: object) -> object:
    return (written,) if isinstance(written, str) else written


_Networks = Annotated[tuple[Network, ...], BeforeValidator(_one_or_many, json_schema_input_type=str | list[str])]
_Roles = Annotated[tuple[Role, ...], BeforeValidator(_one_or_many, json_schema_input_type=Role | list[Role])]


def _issuer(written: str) -> str:
    parts = urlsplit(written)
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not parts.hostname or (parts.scheme != "https" and not (here and parts.scheme == "http")) or parts.query or parts.fragment:
        raise ValueError(
            "write the provider's https:// address, as it stands in its own documents, such as https://id.example.org"
        )
    return written


class SessionSettings(BaseModel):
    """How long somebody stays signed in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    idle: Annotated[Duration, Field(ge=timedelta(minutes=5))] = Field(
        timedelta(hours=12), description="a session that nobody uses ends after this time"
    )
    lasts: Annotated[Duration, Field(ge=timedelta(minutes=5))] = Field(
        timedelta(days=14), description="and every session after this one, used or not"
    )


class ElsewhereSettings(BaseModel):
    """What somebody else says of people, and what comes of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    roles: dict[Text, Role] = Field(
        default_factory=dict,
        description="which role comes with which group; of several the highest. With any, roles follow the groups at every"
        " sign-in",
    )
    role: Role | None = Field(
        None, description="the role of those who are in none of these groups; without one, only those who have an account enter"
    )
    create: bool = Field(
        False,
        description="whether an account is made for those who come for the first time: with a role by group, or `role`",
    )

    @model_validator(mode="after")
    def _whoever_is_let_in_has_a_role(self) -> Self:
        if self.create and not self.roles and self.role is None:
            raise ValueError("`create` makes accounts, and these need a role: write `roles` by group, or `role`")
        return self


class OidcSettings(ElsewhereSettings):
    """Sign-in by OpenID Connect (authorization code with PKCE), at a provider such as Keycloak, Authentik or Entra ID."""

    issuer: Annotated[Text, AfterValidator(_issuer)] = Field(
        description="the provider's address; below it lies `.well-known/openid-configuration`"
    )
    client_id: Text = Field(description="what the provider calls us")
    client_secret: SecretStr | None = Field(None, description="the secret it gave us; none for a public client")
    title: Text = Field("OpenID Connect", description="what the button says people sign in with")
    scopes: Texts = Field(("openid", "profile", "email"), description="what the provider is asked to tell")
    account: Text = Field("preferred_username", description="the claim that names the account")
    called: Text = Field("name", description="the claim with what people are called")
    groups: Text = Field("groups", description="the claim with their groups, which `roles` refers to")
    adopt: bool = Field(
        False,
        description="whether an account that has a password goes over to whom the provider calls by its name: only where nobody"
        " can choose their own name at the provider",
    )

    @model_validator(mode="after")
    def _openid_is_asked_for(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("`scopes` must name `openid`: without it the provider does not say who somebody is")
        return self


class ProxySettings(ElsewhereSettings):
    """A proxy in front that signs people in itself, and says in headers who they are."""

    addresses: Annotated[_Networks, Field(min_length=1)] = Field(
        description="the addresses or networks of that proxy; from all others these headers are ignored, and the log says so"
    )
    account: Text = Field("X-Forwarded-User", description="the header that names the account")
    called: Text | None = Field(None, description="the header with what people are called")
    groups: Text | None = Field(None, description="the header with their groups, between commas, which `roles` refers to")


class ConsoleSettings(BaseModel):
    """The pages on which people look, decide and show. They are served at `web.public_url`, behind accounts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="false serves no pages but those behind the links in messages")
    sessions: SessionSettings = Field(default_factory=SessionSettings, description="how long people stay signed in")
    one_time_codes: _Roles = Field(
        (), description="the roles that need a one-time code beside their password, such as `[manager, admin]`; others may"
    )
    behind: _Networks = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="the addresses of reverse proxies of ours: from these, `X-Forwarded-For` says where a request comes from",
    )
    oidc: OidcSettings | None = Field(None, description="sign-in at an identity provider")
    proxy: ProxySettings | None = Field(None, description="a proxy that says who people are")
