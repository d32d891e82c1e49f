"""The icon on the screen, by GTK 3: it draws what it is told, and tells what was chosen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gio, GLib, Gtk  # noqa: E402 - the version must be chosen first

from assistant.tray.desktop import Kind  # noqa: E402
from assistant.tray.menu import Entry, Wish  # noqa: E402
from assistant.tray.situation import Mode  # noqa: E402

log = logging.getLogger(__name__)

NAME = "shop-assistant"

NOTICE_MS = 10_000
"""How long a notification stays."""


class Icon:
    """One icon with its menu."""

    def __init__(self, kind: Kind, files: dict[Mode, Path], title: str, chosen: Callable[[Wish], None]) -> None:
        self._files = files
        self._title = title
        self._chosen = chosen
        self._entries: list[Entry] = []
        self._menu: Any = None
        self._shown: list[Entry] = []
        """The lines of that menu."""
        self._correcting = False
        """Whether marks are set by us, not by somebody at the menu."""
        self._indicator = _indicator(files["offline"], title) if kind == "indicator" else None
        self._status = None
        if self._indicator is None:
            self._status = Gtk.StatusIcon()
            self._status.set_title(title)
            self._status.connect("popup-menu", self._pop_up)
            self._status.connect("activate", lambda icon: self._pop_up(icon, 1, Gtk.get_current_event_time()))
            self._status.set_from_file(str(files["offline"]))

    def show(self, mode: Mode, tooltip: str, entries: Sequence[Entry]) -> None:
        """From now on."""
        path = str(self._files[mode])
        if self._status is not None:
            self._status.set_from_file(path)
            self._status.set_tooltip_text(tooltip)
        else:
            assert self._indicator is not None
            self._indicator.set_icon_full(path, tooltip)
            self._indicator.set_title(tooltip)  # what panels show for a tooltip
        if list(entries) == self._entries:
            return
        self._entries = list(entries)
        if self._menu is not None and _form(self._shown) == _form(entries):
            self._correct()  # a new menu would close the one that somebody has open
        elif self._indicator is not None:
            self._indicator.set_menu(self._built())

    def tell(self, title: str, text: str) -> None:
        """In a window, which waits until it is read."""
        window = Gtk.MessageDialog(message_type=Gtk.MessageType.INFO, buttons=Gtk.ButtonsType.CLOSE, text=title)
        window.set_title(self._title)
        window.format_secondary_text(text)
        window.connect("response", lambda found, _: found.destroy())
        window.show_all()

    def _pop_up(self, icon: Any, button: int, at: int) -> None:
        self._built().popup(None, None, Gtk.StatusIcon.position_menu, icon, button, at)

    def _built(self) -> Any:
        """Kept, for GTK does not keep it."""
        self._menu = Gtk.Menu()
        self._shown = shown = list(self._entries)
        first_radio = None
        for number, entry in enumerate(shown):
            item: Any
            if entry.kind == "radio":
                item = Gtk.RadioMenuItem(label=entry.label, group=first_radio)
                first_radio = first_radio or item
            elif entry.kind == "check":
                item = Gtk.CheckMenuItem(label=entry.label)
            else:
                item = Gtk.MenuItem(label=entry.label) if entry.label else Gtk.SeparatorMenuItem()
            if entry.kind != "plain":
                item.set_active(entry.on)
            item.set_sensitive(entry.wish is not None or not entry.label)
            self._menu.append(item)
            item.connect("activate", self._activated, shown, number)
        self._menu.show_all()
        return self._menu

    def _correct(self) -> None:
        """Make the menu's lines say what is so."""
        self._correcting = True
        self._shown[:] = self._entries
        for item, entry in zip(self._menu.get_children(), self._shown, strict=True):
            if not entry.label:
                continue
            item.set_label(entry.label)
            item.set_sensitive(entry.wish is not None)
            if entry.kind != "plain":
                item.set_active(entry.on)
        self._correcting = False

    def _activated(self, item: Any, shown: list[Entry], number: int) -> None:
        entry = shown[number]
        if self._correcting or entry.wish is None:
            return
        if entry.kind == "radio" and not item.get_active():
            return  # the one that was on until now is activated, too
        if _form(self._shown) == _form(self._entries):
            self._correct()  # GTK has set the mark; whether it is so, the assistant tells
        self._chosen(entry.wish)


def _form(entries: Sequence[Entry]) -> list[tuple[str, bool]]:
    """What of a menu cannot be changed while it is open."""
    return [(entry.kind, bool(entry.label)) for entry in entries]


def _indicator(icon: Path, title: str) -> Any:
    gi.require_version("AyatanaAppIndicator3", "0.1")
    from gi.repository import AyatanaAppIndicator3 as Indicators

    made = Indicators.Indicator.new(NAME, str(icon), Indicators.IndicatorCategory.APPLICATION_STATUS)
    made.set_title(title)
    made.set_status(Indicators.IndicatorStatus.ACTIVE)
    return made


def notify(title: str, text: str, icon: Path) -> None:
    """A desktop notification; nothing where nobody shows any."""

    def sent(bus: Any, result: Any) -> None:
        try:
            bus.call_finish(result)
        except GLib.Error as error:
            log.info("A notification was not shown: %s", error.message)

    try:
        bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
    except GLib.Error:
        return
    values = GLib.Variant(
        "(susssasa{sv}i)", (NAME, 0, str(icon), title, GLib.markup_escape_text(text), [], {}, NOTICE_MS)
    )
    where = "org.freedesktop.Notifications"
    bus.call(where, "/org/freedesktop/Notifications", where, "Notify", values, None, Gio.DBusCallFlags.NONE, 5000,
             None, sent)  # fmt: skip


def open_page(url: str) -> None:
    """In the user's browser."""
    Gio.AppInfo.launch_default_for_uri(url, None)
