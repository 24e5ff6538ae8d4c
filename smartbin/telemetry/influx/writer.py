"""The InfluxDB 2 telemetry store's writing half.

Synchronous writes only: the client's batching writer returns without storing, its ``flush()`` does
nothing and a failed batch is dropped whole. A write of InfluxDB is durable (write-ahead log,
fsync) and visible when it is answered with 204.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from smartbin.facts.events import Fact
from smartbin.telemetry.influx.address import Address, said_by, typed_errors
from smartbin.telemetry.influx.lines import LineMaker

LINES_MAX = 20_000
"""Lines of one request: some 2 MB, far below what InfluxDB takes."""
_EXPIRED = re.compile(r"partial write: dropped \d+ points outside retention policy")
log = logging.getLogger(__name__)


class InfluxWriter:
    """The writing half. Looks for both buckets when it is made: raises StoreUnavailable with a
    sentence an operator can act on, and BadInput without a token.
    """

    def __init__(self, address: Address, zone: ZoneInfo, token: str | None) -> None:
        self._address = address
        self._make = LineMaker(zone)
        self._client = address.client(token)
        self._service = WriteService(self._client.api_client)
        try:
            for bucket in (address.bucket, address.levels):
                # A comment stores nothing, and is answered as a point would be.
                self._write(bucket, ["#"])
        except BaseException:
            self.close()
            raise

    def append(self, facts: Sequence[Fact]) -> None:
        """See the port. A request of InfluxDB is not a transaction: when this raises StoreRefused,
        the others of ``facts`` may be stored already.
        """
        kept, passing = self._make.lines(facts)
        self._write(self._address.bucket, kept)
        self._write(self._address.levels, passing)

    def _write(self, bucket: str, lines: Sequence[str]) -> None:
        for first in range(0, len(lines), LINES_MAX):
            with typed_errors(self._address):
                # Not compressed: unpacking cost InfluxDB a sixth of a write, and 116 bytes a
                # deposit fill no network.
                body = "\n".join(lines[first : first + LINES_MAX]).encode()
                try:
                    self._service.post_write(
                        org=self._address.org, bucket=bucket, body=body, precision="us"
                    )
                except ApiException as error:
                    if not (error.status == 422 and _EXPIRED.search(said_by(error))):
                        raise
                    # Kept and gone at once: what is older than the bucket's retention expires.
                    log.warning("%s: %s", bucket, said_by(error))

    def close(self) -> None:
        """Release the connections."""
        self._client.close()
