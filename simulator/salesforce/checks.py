"""Salesforce's checks: the token, the headers, the properties of a new voice call.

Sources: Voice implementation guide, "Generate a JWT" and "Create a Voice Call Record". How far
ahead of Salesforce's clock `iat` may lie is not documented; the five minutes here are invented.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.salesforce.identity import ContactCenterIdentity
from simulator.salesforce.messages import RefusalError, Request, parse_json

MAX_TOKEN_LIFE = 24 * 3600
MAX_CLOCK_LEAD = 300

_REQUIRED_TEXTS = ("callCenterApiName", "vendorCallKey", "to", "from", "initiationMethod")
_OPTIONAL_TEXTS = ("parentVoiceCallId", "callAttributes", "queue", "callOrigin", "callSubtype")
_VALUES = {
    "initiationMethod": ("Inbound", "Transfer"),
    "callOrigin": ("Preview", "Progressive", "Voicemail"),
    "callSubtype": ("PSTN", "WebRTC"),
}
_UTC_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|\+00:00)", re.ASCII)


def public_key(identity: ContactCenterIdentity) -> rsa.RSAPublicKey:
    """The public key of the contact center's certificate.

    Raises:
        ValueError: the certificate is not one, or its key is not an RSA key.
    """
    certificate = x509.load_pem_x509_certificate(identity.certificate_pem.encode("ascii"))
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("the certificate of a contact center holds an RSA key")
    return key


def check_token(
    request: Request, identity: ContactCenterIdentity, key: rsa.RSAPublicKey, now: float
) -> str | None:
    """Check the bearer token; answer its `jti`, None when it has none.

    Whether the `jti` was seen before is the caller's question: that takes memory.

    Raises:
        RefusalError: 401, with what is wrong with the token.
    """
    claims = _verified_claims(request, key)
    if claims.get("iss") not in identity.issuers:
        raise _unauthorized("iss is not the id of this org")
    if claims.get("sub") != identity.call_center_api_name:
        raise _unauthorized("sub is not the API name of the contact center")
    expires, issued = _time_claim(claims, "exp"), _time_claim(claims, "iat")
    if expires <= now:
        raise _unauthorized("exp has passed")
    if expires > now + MAX_TOKEN_LIFE:
        raise _unauthorized("exp is more than 24 hours ahead")
    if issued > now + MAX_CLOCK_LEAD:
        raise _unauthorized("iat lies in the future")
    jti = claims.get("jti")
    if jti is not None and not _is_text(jti):
        raise _unauthorized("jti must be a string that is not empty")
    return jti


def _verified_claims(request: Request, key: rsa.RSAPublicKey) -> dict[str, Any]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _unauthorized("Authorization must be Bearer and a token")
    # The times are checked against the simulator's own clock, which tests set.
    own_checks = {f"verify_{claim}": False for claim in ("exp", "iat", "nbf", "aud", "sub", "jti")}
    try:
        return dict(jwt.decode(token, key, algorithms=["RS256"], options=own_checks))  # type: ignore[arg-type]
    except jwt.InvalidTokenError as error:
        raise _unauthorized(f"the token is not valid: {error}") from error


def _time_claim(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unauthorized(f"{name} must be a number of seconds")
    return value


def readable_claims(authorization: str) -> Any:
    """The claims of an Authorization header, unverified, to be shown in place of the token."""
    try:
        token = authorization.partition(" ")[2]
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return "(not a bearer JWT)"


def check_provider(request: Request) -> None:
    """Check the header that names the telephony provider.

    Raises:
        RefusalError: 400, it is missing or empty.
    """
    if not request.headers.get("Telephony-Provider-Name", "").strip():
        raise RefusalError(400, "MISSING_HEADER", "Telephony-Provider-Name is required")


def check_new_voice_call(body: Mapping[str, Any], identity: ContactCenterIdentity) -> None:
    """Check the properties of `POST /voiceCalls`; whether the parent exists is the caller's to ask.

    Raises:
        RefusalError: 400, naming the property.
    """
    for name in _REQUIRED_TEXTS:
        check_text(body, name)
    for name in _OPTIONAL_TEXTS:
        if name in body:
            check_text(body, name)
    for name, allowed in _VALUES.items():
        if name in body and body[name] not in allowed:
            raise invalid(name, f"must be one of {', '.join(allowed)}")
    check_center(body, identity)
    _check_parent_is_fitting(body)
    _check_start_time(body)
    _check_participants(body)
    _check_call_attributes(body)


def check_center(body: Mapping[str, Any], identity: ContactCenterIdentity) -> None:
    """Check the contact center that a body names, where it names one.

    Raises:
        RefusalError: 400, it is another one.
    """
    own = identity.call_center_api_name
    if body.get("callCenterApiName", own) != own:
        raise invalid("callCenterApiName", "is not a contact center of this org")


def check_text(body: Mapping[str, Any], name: str) -> str:
    """The property `name`, a string that is not empty.

    Raises:
        RefusalError: 400, naming the property.
    """
    if name not in body:
        raise RefusalError(400, "REQUIRED_FIELD_MISSING", f"{name} is required")
    value = body[name]
    if not _is_text(value):
        raise invalid(name, "must be a string that is not empty")
    return str(value)


def check_whole_number(body: Mapping[str, Any], name: str) -> int:
    """The property `name`, a whole number that is not negative.

    Raises:
        RefusalError: 400, naming the property.
    """
    if name not in body:
        raise RefusalError(400, "REQUIRED_FIELD_MISSING", f"{name} is required")
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise invalid(name, "must be a whole number, not negative")
    return value


def check_moment(body: Mapping[str, Any], name: str) -> None:
    """Check the property `name`, a time in ISO 8601 with its time zone.

    Raises:
        RefusalError: 400, naming the property.
    """
    try:
        aware = datetime.fromisoformat(check_text(body, name)).tzinfo is not None
    except ValueError as error:
        raise invalid(name, "must be a time in ISO 8601") from error
    if not aware:
        raise invalid(name, "must have a time zone")


def check_object(body: Mapping[str, Any], name: str) -> None:
    """Check the property `name`, an object.

    Raises:
        RefusalError: 400, naming the property.
    """
    if not isinstance(body[name], dict):
        raise invalid(name, "must be an object")


def _check_parent_is_fitting(body: Mapping[str, Any]) -> None:
    transfer = body["initiationMethod"] == "Transfer"
    if transfer and "parentVoiceCallId" not in body:
        message = "parentVoiceCallId is required for a transfer"
        raise RefusalError(400, "REQUIRED_FIELD_MISSING", message)
    if not transfer and "parentVoiceCallId" in body:
        raise invalid("parentVoiceCallId", "is for transfers only, never for an initial call")


def _check_start_time(body: Mapping[str, Any]) -> None:
    text = check_text(body, "startTime")
    try:
        if not _UTC_TIME.fullmatch(text):
            raise ValueError("not ISO 8601 in UTC")
        datetime.fromisoformat(text)
    except ValueError as error:
        message = "must be a UTC time in ISO 8601, such as 2019-07-02T17:32:28Z"
        raise invalid("startTime", message) from error


def _check_participants(body: Mapping[str, Any]) -> None:
    if "participants" not in body:
        raise RefusalError(400, "REQUIRED_FIELD_MISSING", "participants is required")
    participants = body["participants"]
    if not isinstance(participants, list) or not participants:
        raise invalid("participants", "must be an array with at least one participant")
    if not all(isinstance(participant, dict) for participant in participants):
        raise invalid("participants", "must hold objects")
    end_user = participants[0]
    if end_user.get("type") != "END_USER":
        raise invalid("participants[0].type", "must be END_USER")
    if not _is_text(end_user.get("participantKey")):
        raise invalid("participants[0].participantKey", "must be a string that is not empty")


def _check_call_attributes(body: Mapping[str, Any]) -> None:
    if "callAttributes" not in body:
        return
    try:
        fields = parse_json(body["callAttributes"])
    except ValueError as error:
        raise invalid("callAttributes", "must be a JSON text") from error
    if not isinstance(fields, dict):
        raise invalid("callAttributes", "must be the JSON text of an object")


def _is_text(value: object) -> bool:
    """A string with something in it that can be written down: no lone surrogates."""
    if not isinstance(value, str) or not value.strip():
        return False
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in value)


def invalid(name: str, message: str) -> RefusalError:
    """The refusal of a property for its value."""
    return RefusalError(400, "INVALID_FIELD", f"{name} {message}")


def _unauthorized(message: str) -> RefusalError:
    return RefusalError(401, "UNAUTHORIZED", message)
