# SPDX-License-Identifier: Apache-2.0
"""A mail as it crosses the network: headers, and the same in text and HTML."""

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage

from osci_jobs.errors import ConfigurationError
from osci_jobs.mail import address
from osci_jobs.results.escape import clip, visible, visible_line

LIMIT_BYTES = 10 << 20
SUBJECT_CHARACTERS = 150

# Seven bits pass every server, and need no word with it about more.
_POLICY = policy.SMTP.clone(cte_type="7bit")


@dataclass(frozen=True)
class Letter:
    """What a mail says of a result, whose id is `result`, in text and as a page of HTML."""

    result: str
    subject: str
    text: str
    html: str


def build(sender: str, key: str, recipient: str, letter: Letter, now: datetime) -> bytes:
    """Return the message, in ASCII, its lines ended by CRLF.

    Its Message-ID is made of the key alone, so that whoever gets it twice can tell. A
    stranger's subject and text become visible and are no headers. Raises ConfigurationError
    when it is larger than LIMIT_BYTES.
    """
    message = EmailMessage(policy=_POLICY)
    message["Date"] = now
    message["From"] = Address(addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    message["Subject"] = subject(letter)
    message["Message-ID"] = f"<{key}@{address.domain(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(visible(letter.text))
    message.add_alternative(visible(letter.html), subtype="html")
    content = message.as_bytes()
    if len(content) > LIMIT_BYTES:
        raise ConfigurationError(
            f"The mail on '{visible_line(letter.result)}' has {len(content):,} bytes, expected "
            f"{LIMIT_BYTES:,} at most."
        )
    return content


def subject(letter: Letter) -> str:
    """Return the subject as a mail has it: on one line, visible, and clipped."""
    # What begins with '=?' would be decoded by the reader, and then be visible no more.
    text = visible_line(letter.subject).replace("=?", "= ?")
    return clip(text.strip(), SUBJECT_CHARACTERS)
