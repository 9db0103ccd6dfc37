"""Stand for e-mail, Slack, SMS and the heartbeat's service: keep what Alertmanager sends.

Each message becomes one JSON line of DIRECTORY/CHANNEL.jsonl, with the time of its arrival,
so that notifications can be read back.

    python -m golive.replica.receivers DIRECTORY MAIL:PORT SLACK:PORT SMS:PORT HEARTBEAT:PORT
"""

import email
import email.policy
import json
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import SMTP, Envelope, Session

_lock = Lock()


def keep(directory: Path, channel: str, message: object) -> None:
    """Append one received message to the channel's file."""
    line = json.dumps({"received": datetime.now(UTC).isoformat(), "message": message})
    with _lock, (directory / f"{channel}.jsonl").open("a") as file:
        file.write(line + "\n")


class Mail:
    """An aiosmtpd handler that keeps each mail: from, to, subject and text."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail and accept it (aiosmtpd's hook)."""
        mail = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.SMTP)
        body = mail.get_body(("plain", "html"))
        message = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": str(mail["subject"]),
            "text": body.get_content() if body else "",
        }
        keep(self.directory, "mail", message)
        return "250 kept"


def webhook(directory: Path, channel: str) -> type[BaseHTTPRequestHandler]:
    """An HTTP handler that keeps the JSON of each POST; 400 for what is not JSON."""

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                message = json.loads(body)
            except ValueError:
                self.send_error(400, "not JSON")
                return
            keep(directory, channel, {"path": self.path, "json": message})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_request(self, code: int | str = "-", _: int | str = "-") -> None:
            # Not the path: what stands in Slack's is a secret.
            sys.stdout.write(f"{channel}: {self.command} answered {code}\n")
            sys.stdout.flush()

    return Webhook


def main(directory: Path, mail: str, slack: str, sms: str, heartbeat: str) -> None:
    """Serve until killed."""
    for channel, listen in (("slack", slack), ("sms", sms), ("heartbeat", heartbeat)):
        server = ThreadingHTTPServer(_address(listen), webhook(directory, channel))
        Thread(target=server.serve_forever, daemon=True).start()
    host, port = _address(mail)
    controller = UnthreadedController(Mail(directory), hostname=host, port=port)
    controller.begin()  # type: ignore[no-untyped-call]
    controller.loop.run_forever()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
