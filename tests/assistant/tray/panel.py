"""A panel as KDE's and GNOME's extension are one: it takes StatusNotifier items and notifications, all by D-Bus.

A program: it answers each line of its input with a line of JSON. ``look`` tells what it shows, ``choose LABEL`` clicks.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from assistant.tray.bindings import usable

assert usable()

from gi.repository import Gio, GLib  # noqa: E402 - they may come from elsewhere

WATCHER = """<node><interface name="org.kde.StatusNotifierWatcher">
  <method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
  <method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
  <property name="RegisteredStatusNotifierItems" type="as" access="read"/>
  <property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
  <property name="ProtocolVersion" type="i" access="read"/>
</interface></node>"""

NOTIFICATIONS = """<node><interface name="org.freedesktop.Notifications">
  <method name="Notify">
    <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
    <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
    <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/>
  </method>
</interface></node>"""

ITEM = "org.kde.StatusNotifierItem"

MENU = "com.canonical.dbusmenu"


class Panel:
    def __init__(self) -> None:
        self._bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        self._item: tuple[str, str] | None = None
        self._notices: list[str] = []
        for name, path, form in (
            ("org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher", WATCHER),
            ("org.freedesktop.Notifications", "/org/freedesktop/Notifications", NOTIFICATIONS),
        ):
            interface = Gio.DBusNodeInfo.new_for_xml(form).interfaces[0]
            self._bus.register_object(path, interface, self._called, self._property, None)
            Gio.bus_own_name_on_connection(self._bus, name, Gio.BusNameOwnerFlags.NONE, None, None)

    def _called(self, _bus: Any, sender: str, _path: str, _of: str, method: str, values: Any, answer: Any) -> None:
        if method == "RegisterStatusNotifierItem":
            (given,) = values.unpack()
            self._item = (sender, given) if given.startswith("/") else (given, "/StatusNotifierItem")
        if method == "Notify":
            self._notices.append(f"{values.unpack()[3]}: {values.unpack()[4]}")
            answer.return_value(GLib.Variant("(u)", (len(self._notices),)))
        else:
            answer.return_value(None)

    def _property(self, _bus: Any, _sender: str, _path: str, _of: str, name: str) -> Any:
        return {
            "RegisteredStatusNotifierItems": GLib.Variant("as", [self._item[1]] if self._item else []),
            "IsStatusNotifierHostRegistered": GLib.Variant("b", True),
            "ProtocolVersion": GLib.Variant("i", 0),
        }[name]

    def obey(self, line: str) -> dict[str, Any]:
        word, _, label = line.strip().partition(" ")
        if self._item is None:
            return {"icon": "", "title": "", "numbers": [], "menu": {}, "notices": self._notices}
        shown = self._ask(self._item[1], "org.freedesktop.DBus.Properties", "GetAll", GLib.Variant("(s)", (ITEM,)))[0]
        layout = self._ask(shown["Menu"], MENU, "GetLayout", GLib.Variant("(iias)", (0, -1, [])))[1]
        rows = [row for row in layout[2] if row[1].get("label")]
        if word == "choose":
            (number,) = [row[0] for row in rows if row[1]["label"] == label]
            clicked = GLib.Variant("(isvu)", (number, "clicked", GLib.Variant("i", 0), 0))
            self._ask(shown["Menu"], MENU, "Event", clicked)
        return {
            "icon": shown["IconName"],
            "title": shown["Title"],
            "numbers": [row[0] for row in layout[2]],
            "menu": {row[1]["label"]: row[1].get("toggle-state") == 1 for row in rows},
            "notices": self._notices,
        }

    def _ask(self, path: str, interface: str, method: str, values: Any) -> Any:
        assert self._item is not None
        flags = Gio.DBusCallFlags.NONE
        return self._bus.call_sync(self._item[0], path, interface, method, values, None, flags, 5000, None).unpack()


def main() -> None:
    panel, loop = Panel(), GLib.MainLoop()

    def told(*_: Any) -> bool:
        line = sys.stdin.readline()
        if not line:
            loop.quit()
            return False
        sys.stdout.write(json.dumps(panel.obey(line)) + "\n")
        sys.stdout.flush()
        return True

    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, told)
    loop.run()


if __name__ == "__main__":
    main()
