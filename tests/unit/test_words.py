"""Unknown words in the form in which authors of flows read them."""

import pytest

from voicecall_bridge.sources.words import unknown

KNOWN = ("createVoiceCall", "createTransferVC", "updateVoiceCall")


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("createVoicecall", ' ("createVoicecall"; nearest: createVoiceCall)'),
        ("CREATETRANSFERVC", ' ("CREATETRANSFERVC"; nearest: createTransferVC)'),
        ("update_voice_call", ' ("update_voice_call"; nearest: updateVoiceCall)'),
        ("update-voice-call", ' ("update-voice-call"; nearest: updateVoiceCall)'),
        ("HUSH", ' ("HUSH")'),
        ("createVoiceCall2", ' ("createVoiceCall2"; nearest: createVoiceCall)'),
    ],
)
def test_a_name_is_quoted_with_the_nearest_known_one(word: str, text: str) -> None:
    assert unknown(word, KNOWN) == text


@pytest.mark.parametrize(
    "word",
    ["", "+12065550100", "call 12065550100", "a@example.com", "a" * 62, "x12", "Zürich", "1"],
)
def test_what_is_no_name_is_not_quoted(word: str) -> None:
    """The word may be the caller's, and Lambda logs the text of an exception."""
    assert unknown(word, KNOWN) == ""
