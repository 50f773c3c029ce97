"""A desktop without a screen: it keeps the notifications that browsers show, and touches them.

It is the other end of the Desktop Notifications Specification (`org.freedesktop.Notifications`)
on a D-Bus of its own, so what the tests see is what a desktop would show, and a click is a click.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
CLICK = "default"
BY_THE_USER, BY_A_CALL = 2, 3
# Anyone on the bus may say anything, and nothing is started by it.
BUS = """\
<busconfig>
<type>session</type>
<listen>unix:tmpdir=/tmp</listen>
<policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy>
</busconfig>
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A notification on the screen."""

    title: str
    body: str
    hints: dict[str, Any]

    @property
    def is_silent(self) -> bool:
        """Whether it came without a sound."""
        return bool(self.hints.get("suppress-sound", ("b", False))[1])


class Desktop:
    """What is on the screen, and everything that ever was."""

    def __init__(self, connection: DBusConnection, address: str) -> None:
        self.address = address
        self.shown: dict[int, Shown] = {}
        self.ever: list[Shown] = []
        self._connection = connection
        self._sending = Lock()
        self._ids = count(1)

    def clear(self) -> None:
        """Forget everything, as between two tests."""
        self.shown.clear()
        self.ever.clear()

    def click(self, title: str) -> None:
        """Touch a notification."""
        id_ = self._find(title)
        self._signal("ActionInvoked", "us", (id_, CLICK))

    def dismiss(self, title: str) -> None:
        """Wipe a notification away."""
        id_ = self._find(title)
        del self.shown[id_]
        self._signal("NotificationClosed", "uu", (id_, BY_THE_USER))

    def titles(self) -> list[str]:
        """What stands on the screen."""
        return [one.title for one in self.shown.values()]

    def listen(self) -> None:
        """Serve calls until the bus has gone."""
        while True:
            try:
                message = self._connection.receive()
            except (OSError, EOFError):
                return
            if message.header.message_type is MessageType.method_call:
                self._answer(message)

    def _find(self, title: str) -> int:
        [id_] = [id_ for id_, one in self.shown.items() if one.title == title]
        return id_

    def _answer(self, call: Any) -> None:
        member = call.header.fields[HeaderFields.member]
        match member:
            case "GetCapabilities":
                answer = new_method_return(call, "as", (["actions", "body"],))
            case "GetServerInformation":
                answer = new_method_return(call, "ssss", ("desktop", "tests", "1", "1.2"))
            case "Notify":
                answer = new_method_return(call, "u", (self._show(*call.body),))
            case "CloseNotification":
                self._close(*call.body)
                answer = new_method_return(call)
            case _:
                answer = new_error(call, "org.freedesktop.DBus.Error.UnknownMethod")
        self._send(answer)

    def _show(
        self,
        _application: str,
        replaces: int,
        _icon: str,
        title: str,
        body: str,
        _actions: list[str],
        hints: dict[str, Any],
        _timeout: int,
    ) -> int:
        id_ = replaces or next(self._ids)
        self.shown[id_] = Shown(title, body, hints)
        self.ever.append(self.shown[id_])
        return id_

    def _close(self, id_: int) -> None:
        if self.shown.pop(id_, None) is not None:
            self._signal("NotificationClosed", "uu", (id_, BY_A_CALL))

    def _signal(self, name: str, signature: str, body: tuple[Any, ...]) -> None:
        emitter = DBusAddress(PATH, interface=NAME)
        self._send(new_signal(emitter, name, signature, body))

    def _send(self, message: Any) -> None:
        with self._sending:
            self._connection.send(message)


@contextmanager
def open_desktop(folder: Path) -> Iterator[Desktop]:
    """Start a bus of its own with a desktop on it; browsers are told its address.

    Args:
        folder: Where the bus's configuration is put.
    """
    configuration = folder / "bus.conf"
    configuration.write_text(BUS)
    command = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address=1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as bus:
        assert bus.stdout is not None
        address = bus.stdout.readline().strip()
        connection = open_dbus_connection(bus=address)
        connection.send_and_get_reply(message_bus.RequestName(NAME))
        desktop = Desktop(connection, address)
        thread = Thread(target=desktop.listen, name="desktop")
        thread.start()
        try:
            yield desktop
        finally:
            bus.terminate()
            thread.join()
            connection.close()
