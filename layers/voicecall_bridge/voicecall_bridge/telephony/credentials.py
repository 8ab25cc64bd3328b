"""The contact center's secret in AWS Secrets Manager, and the signer of its tokens.

The only use of Secrets Manager and of Systems Manager's parameters.
"""

from __future__ import annotations

import re
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from voicecall_bridge.contact_centers.secret import ContactCenterSecret, InvalidSecret, parse_secret
from voicecall_bridge.telephony.auth import TokenSigner, UnusableKey
from voicecall_bridge.telephony.errors import Unauthorized, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# These faults pass. All other refusals (access denied, no such secret) need an operator.
# Source: Secrets Manager and Systems Manager API references, "Common Errors".
_PASSING = frozenset(
    {
        "InternalServiceError",
        "InternalServerError",
        "InternalFailure",
        "ServiceUnavailable",
        "ThrottlingException",
        "Throttling",
        "RequestTimeout",
        "KMSThrottlingException",
    }
)

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


class InvalidCertificates(ValueError):
    """The parameter that SALESFORCE_CA_PARAMETER names holds no certificates."""

    def __init__(self) -> None:
        super().__init__("SALESFORCE_CA_PARAMETER: the parameter holds no certificates in PEM")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A contact center and the signer of its tokens.

    Attributes:
        center: the contact center.
        signer: signs its tokens.
        certificates: PEM text of certificates to trust besides the public ones; empty: none.
    """

    center: ContactCenterSecret
    signer: TokenSigner
    certificates: str = ""


@dataclass(eq=False, repr=False, slots=True)
class SecretStore:
    """Reads the secret once and keeps it; reads it again when Salesforce refuses the token.

    Attributes:
        secret_id: name or ARN of the secret.
        secrets_manager: gives the Secrets Manager client when it is needed.
        parameters: gives the Systems Manager client when it is needed.
        key_parameter: name of the SecureString with the private key, empty when the secret has it.
        audience: `aud` of the tokens, empty for none.
        on_loopback: Salesforce may be on this machine, as the simulator's is.
        certificate_parameter: name of the parameter with certificates to trust; empty: none.
    """

    secret_id: str
    secrets_manager: Callable[[], Any]
    parameters: Callable[[], Any]
    key_parameter: str = ""
    audience: str = ""
    on_loopback: bool = False
    certificate_parameter: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _current: Credentials | None = field(default=None, init=False, repr=False)

    def current(self) -> Credentials:
        """The credentials, read at the first call.

        Raises:
            Unavailable: code SECRET_UNAVAILABLE, a passing fault of AWS.
            Unauthorized: code SETTINGS, the secret cannot be read or used.
        """
        return self._current or self.renewed(None)

    def renewed(self, refused: Credentials | None) -> Credentials:
        """The credentials read anew, unless another thread has already replaced `refused`.

        Raises:
            Unavailable, Unauthorized: as in `current`.
        """
        with self._lock:
            if self._current is None or self._current is refused:
                self._current = self._read()
            return self._current

    def _read(self) -> Credentials:
        try:
            center = parse_secret(
                self._secret_text(),
                self._parameter(self.key_parameter),
                on_loopback=self.on_loopback,
            )
            certificates = readable_certificates(self._parameter(self.certificate_parameter))
            signer = TokenSigner(
                org_id=center.org_id,
                call_center_api_name=center.api_name,
                private_key=center.private_key,
                audience=self.audience,
            )
        except (InvalidSecret, UnusableKey) as error:
            raise Unauthorized(f"the contact center's secret: {error}", code="SETTINGS") from None
        except InvalidCertificates as error:
            raise Unauthorized(str(error), code="SETTINGS") from None
        except ClientError as error:
            raise _refused(error.response) from None
        except (NoRegionError, NoCredentialsError) as error:
            raise Unauthorized(
                f"the secret cannot be read ({type(error).__name__})", code="SETTINGS"
            ) from None
        except BotoCoreError as error:
            raise Unavailable(
                f"the secret cannot be read now ({type(error).__name__})",
                code="SECRET_UNAVAILABLE",
            ) from None
        return Credentials(center, signer, certificates)

    def _secret_text(self) -> str:
        answer = self.secrets_manager().get_secret_value(SecretId=self.secret_id)
        return str(answer.get("SecretString") or "")

    def _parameter(self, name: str) -> str:
        if not name:
            return ""
        answer = self.parameters().get_parameter(Name=name, WithDecryption=True)
        return str(answer["Parameter"]["Value"])


def readable_certificates(text: str) -> str:
    """The certificates in a text in PEM, without any other text; empty for an empty text.

    Raises:
        InvalidCertificates: there are none, or they cannot be used.
    """
    found = "\n".join(_PEM.findall(text))
    try:
        if text:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=found)
    except (ssl.SSLError, ValueError):
        raise InvalidCertificates from None
    return found


def _refused(answer: Mapping[str, Any]) -> Unavailable | Unauthorized:
    code = answer.get("Error", {}).get("Code", "")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _PASSING or status >= 500:
        return Unavailable(f"the secret cannot be read now ({code})", code="SECRET_UNAVAILABLE")
    return Unauthorized(f"the secret cannot be read ({code})", code="SETTINGS")
