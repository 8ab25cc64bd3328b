"""TLS contexts that read trusted certificates once, before a snapshot if possible."""

from __future__ import annotations

import functools
import os
import ssl

import certifi


def remembering(context: ssl.SSLContext) -> ssl.SSLContext:
    """Lets a context read each file of certificates once.

    urllib3 has it read for every new connection, where requests and botocore name a file. Reading
    the public ones takes 20 ms of CPU; a call after a pause needs new connections.
    """
    context.load_verify_locations = functools.cache(  # type: ignore[assignment, method-assign]
        context.load_verify_locations
    )
    return context


def read_public_certificates(context: ssl.SSLContext) -> None:
    """Reads the public certificates before the first connection, as requests and botocore would."""
    context.load_verify_locations(certifi.where(), None, None)  # as urllib3 asks for it


def renew_random_numbers() -> None:
    """Mixes new randomness into OpenSSL's, which all copies of a snapshot share.

    Making a context draws from it. All that is drawn from here on depends on what the operating
    system gives now (OpenSSL manual, RAND_add and RAND_DRBG).
    """
    ssl.RAND_add(os.urandom(64), 64.0)
