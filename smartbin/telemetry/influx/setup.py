"""What an InfluxDB needs before the programs can use it: two buckets and, where wanted, tokens
that may do no more than each program must. Nothing is made by a running program.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket import Bucket
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.permission import Permission
from influxdb_client.domain.permission_resource import PermissionResource

from smartbin.core.errors import StoreUnavailable
from smartbin.telemetry.influx.address import Address, sentence, typed_errors

LEVELS_DAYS = 400
"""How long levels, status and alarms are kept: a year, and the month before to compare with."""
SHARD_DAYS = 91
"""How much of the bucket kept forever lies in one shard. Thirteen weeks instead of InfluxDB's
one: a year of 6 million deposits is then summed in 29 ms instead of 78.
"""
_DAY_S = 24 * 3600


def prepare(address: Address, token: str | None, levels_days: int | None) -> Iterator[str]:
    """Make what is missing, correct what may be corrected without losing anything; yields a
    sentence for each. ``levels_days`` None leaves a bucket's retention as it is, 0 means forever.
    Raises StoreUnavailable.
    """
    client = address.client(token)
    try:
        with typed_errors(address):
            org = _org_id(client, address)
            yield _kept_for_ever(client, address.bucket, org)
            yield _passing(client, address.levels, org, levels_days)
    finally:
        client.close()


def make_tokens(address: Address, token: str | None, folder: Path) -> Iterator[str]:
    """Tokens for the gateway (``writer``) and the API (``reader``), each in a file of its own;
    a file that is there is kept. Raises StoreUnavailable.
    """
    client = address.client(token)
    try:
        with typed_errors(address):
            org = _org_id(client, address)
            buckets = [
                found.id
                for name in (address.bucket, address.levels)
                if (found := client.buckets_api().find_bucket_by_name(name))
            ]
            folder.mkdir(parents=True, exist_ok=True)
            for name, actions in (("writer", ("write",)), ("reader", ("read",))):
                file = folder / name
                if file.exists():
                    yield f"{file}: kept"
                    continue
                resources = [PermissionResource(type="buckets", id=id, org=org) for id in buckets]
                made = client.authorizations_api().create_authorization(
                    org_id=org,
                    permissions=[
                        Permission(action=a, resource=r) for a in actions for r in resources
                    ],
                )
                file.touch(mode=0o600)
                file.write_text(f"{made.token}\n", encoding="utf-8")
                yield f"{file}: made, may {' and '.join(actions)}"
    finally:
        client.close()


def _org_id(client: InfluxDBClient, address: Address) -> str:
    for org in client.organizations_api().find_organizations(org=address.org):
        return str(org.id)
    raise StoreUnavailable(sentence(address, 404, f"organisation {address.org!r}"))


def _kept_for_ever(client: InfluxDBClient, name: str, org: str) -> str:
    rule = _rule(0, SHARD_DAYS)
    known = client.buckets_api().find_bucket_by_name(name)
    if known is None:
        client.buckets_api().create_bucket(bucket_name=name, retention_rules=rule, org=org)
        return f"{name}: made, kept forever"
    days, shard_days = _days_of(known)
    if days == 0 and shard_days == SHARD_DAYS:
        return f"{name}: there, kept forever"
    known.retention_rules = [rule]
    client.buckets_api().update_bucket(known)
    before = f"{days} days" if days else "forever"
    return f"{name}: there; was kept {before}, now forever, {SHARD_DAYS} days a shard from here on"


def _passing(client: InfluxDBClient, name: str, org: str, levels_days: int | None) -> str:
    known = client.buckets_api().find_bucket_by_name(name)
    if known is None:
        days = LEVELS_DAYS if levels_days is None else levels_days
        client.buckets_api().create_bucket(bucket_name=name, retention_rules=_rule(days), org=org)
        return f"{name}: made, {_said(days)}"
    days, _ = _days_of(known)
    if levels_days is None or levels_days == days:
        return f"{name}: there, {_said(days)}"
    known.retention_rules = [_rule(levels_days)]
    client.buckets_api().update_bucket(known)
    return f"{name}: there; was {_said(days)}, now {_said(levels_days)}"


def _rule(days: int, shard_days: int | None = None) -> BucketRetentionRules:
    return BucketRetentionRules(
        type="expire",
        every_seconds=days * _DAY_S,
        shard_group_duration_seconds=shard_days and shard_days * _DAY_S,
    )


def _days_of(bucket: Bucket) -> tuple[int, int]:
    for rule in bucket.retention_rules:
        return rule.every_seconds // _DAY_S, (rule.shard_group_duration_seconds or 0) // _DAY_S
    return 0, 0


def _said(days: int) -> str:
    return f"kept {days} days" if days else "kept forever"
