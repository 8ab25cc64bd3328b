"""Keys and certificates of SSH; removed when the layer was built: see build.py.

The package imports these names for whoever reads such keys. Salesforce's are PEM texts.
"""

from typing import Any, NoReturn


class _Removed:
    def __init__(self, *_: Any, **__: Any) -> None:
        _removed()


def _removed(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("the layer has no keys of SSH: see build.py")


SSHCertificate = SSHCertificateBuilder = SSHCertificateType = _Removed
SSHCertPrivateKeyTypes = SSHCertPublicKeyTypes = SSHPrivateKeyTypes = SSHPublicKeyTypes = _Removed
load_ssh_private_key = load_ssh_public_identity = load_ssh_public_key = _removed
ssh_key_fingerprint = _removed
