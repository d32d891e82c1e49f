"""What a desktop offers a tray icon, and what to do where it offers none."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from assistant.tray.bindings import usable

GTK_REMEDY = "Run `./install.sh tray` in the assistant's folder."

GNOME_REMEDY = (
    "GNOME shows icons only with an extension: sudo apt-get install gnome-shell-extension-appindicator, log out and "
    "in, then: gnome-extensions enable ubuntu-appindicators@ubuntu.com"
)
WAYLAND_REMEDY = (
    "Under Wayland icons need a panel that takes StatusNotifier items: KDE Plasma has one; for sway or Hyprland start "
    "waybar with the module `tray`."
)
X11_REMEDY = "Start a panel with a notification area, such as that of Xfce or MATE, or: trayer"
BUS_REMEDY = "Start the session with dbus-run-session; most desktops do."
LIBRARY_REMEDY = "sudo apt-get install gir1.2-ayatanaappindicator3-0.1"

Kind = Literal["indicator", "status_icon"]
"""StatusNotifier item, by D-Bus; or a window in the notification area of X11."""


@dataclass(frozen=True, slots=True)
class Desktop:
    """Facts of a session."""

    name: str = ""
    """As ``XDG_CURRENT_DESKTOP`` tells it."""
    wayland: bool = False
    x11: bool = False
    gtk: bool = False
    """GTK 3 can be used from Python."""
    opens: bool = True
    """Its screen can be opened by this user."""
    indicator_library: bool = False
    bus: bool = False
    """There is a session bus."""
    watcher: bool = False
    """Somebody shows StatusNotifier items."""
    notification_area: bool = False
    """Somebody has X11's notification area."""
    notifications: bool = False
    """Somebody shows notifications."""

    @property
    def kind(self) -> Kind | None:
        """What the icon has to be; where nobody shows it yet, that which appears by itself once somebody does."""
        if not (self.gtk and self.opens and (self.x11 or self.wayland)):
            return None
        if self.indicator_library and self.bus and (self.watcher or self.wayland or not self.notification_area):
            return "indicator"  # which the library itself turns into a window where only X11's area comes up later
        return None if self.wayland else "status_icon"

    @property
    def shows(self) -> bool:
        """Whether an icon is seen."""
        return (self.kind == "indicator" and self.watcher) or (self.kind == "status_icon" and self.notification_area)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``--check``."""

    part: str
    works: bool
    reason: str
    remedy: str = ""
    needed: bool = True
    """False: the icon does without."""


def findings(desktop: Desktop) -> list[Finding]:
    """What is there, what is missing and how to mend it."""
    return [_display(desktop), _gtk(desktop), _place(desktop), _notifications(desktop)]


def _display(desktop: Desktop) -> Finding:
    remedy = "Run it in the session of whoever is logged in at the screen, not by ssh or as root."
    if not desktop.opens:
        return Finding("display", False, "the screen cannot be opened by this user", remedy)
    if desktop.x11 or desktop.wayland:
        found = "Wayland" if desktop.wayland else "X11"
        return Finding("display", True, f"{found}{f', {desktop.name}' if desktop.name else ''}")
    return Finding("display", False, "there is no screen (neither DISPLAY nor WAYLAND_DISPLAY is set)", remedy)


def _gtk(desktop: Desktop) -> Finding:
    if desktop.gtk:
        return Finding("GTK", True, "GTK 3 can be used")
    return Finding("GTK", False, "GTK 3 cannot be used from Python", GTK_REMEDY)


def _place(desktop: Desktop) -> Finding:
    part = "tray"
    if desktop.shows:
        where = "takes StatusNotifier items" if desktop.kind == "indicator" else "has a notification area"
        return Finding(part, True, f"the panel {where}")
    if (desktop.watcher or desktop.wayland) and not desktop.indicator_library:
        reason = "icons go to this desktop's panel by D-Bus, and the library for that is missing"
        return Finding(part, False, reason, LIBRARY_REMEDY)
    if desktop.wayland and not desktop.bus:
        return Finding(
            part, False, "icons go to this desktop's panel by D-Bus, and there is no session bus", BUS_REMEDY
        )
    if "gnome" in desktop.name.lower():
        return Finding(part, False, "GNOME has no tray of its own", GNOME_REMEDY)
    if desktop.wayland:
        return Finding(part, False, "no panel of this Wayland session shows tray icons", WAYLAND_REMEDY)
    return Finding(part, False, "no panel of this session shows tray icons", X11_REMEDY)


def _notifications(desktop: Desktop) -> Finding:
    if desktop.notifications:
        return Finding("notifications", True, "are shown", needed=False)
    if not desktop.bus:
        reason, remedy = "there is no session bus", BUS_REMEDY
    else:
        reason, remedy = "nobody shows them", "sudo apt-get install dunst, and start it with the session"
    return Finding("notifications", False, f"{reason}; trouble is seen in the icon alone", remedy, needed=False)


def desktop(environment: Mapping[str, str] = os.environ) -> Desktop:
    """This session's facts."""
    name, wayland = environment.get("XDG_CURRENT_DESKTOP", ""), bool(environment.get("WAYLAND_DISPLAY"))
    x11 = bool(environment.get("DISPLAY"))
    gtk = _loads("Gtk", "3.0")
    names = _bus_names() if gtk else None
    return Desktop(
        name=name,
        wayland=wayland,
        x11=x11,
        gtk=gtk,
        opens=not (gtk and (x11 or wayland)) or _opens_display(),
        indicator_library=gtk and _loads("AyatanaAppIndicator3", "0.1"),
        bus=names is not None,
        watcher="org.kde.StatusNotifierWatcher" in (names or ()),
        notification_area=_notification_area(environment.get("DISPLAY", "")),
        notifications="org.freedesktop.Notifications" in (names or ()),
    )


def _loads(name: str, version: str) -> bool:
    if not usable():
        return False
    import gi

    try:
        gi.require_version(name, version)
    except ValueError:
        return False
    return True


def _opens_display() -> bool:
    from gi.repository import GLib, Gtk

    GLib.set_prgname("shop-assistant")  # as window managers and screen readers name it
    found, _ = Gtk.init_check(None)
    return bool(found)


def _bus_names() -> list[str] | None:
    """Services of the session bus, running or to be started; None without a bus."""
    from gi.repository import Gio, GLib

    try:
        bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        names: list[str] = []
        for method in ("ListNames", "ListActivatableNames"):
            answer: Any = bus.call_sync(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method, None, None,
                Gio.DBusCallFlags.NONE, 2000, None,
            )  # fmt: skip
            names += answer.unpack()[0]
    except GLib.Error:
        return None
    return names


def _notification_area(display: str) -> bool:
    """Whether somebody owns the selection of X11's system tray protocol."""
    library = ctypes.util.find_library("X11")
    if not display or library is None:
        return False
    x11 = ctypes.CDLL(library)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    opened = x11.XOpenDisplay(display.encode())
    if not opened:
        return False
    try:
        connection = ctypes.c_void_p(opened)
        x11.XInternAtom.restype = x11.XGetSelectionOwner.restype = ctypes.c_ulong
        number = x11.XDefaultScreen(connection)
        atom = ctypes.c_ulong(x11.XInternAtom(connection, f"_NET_SYSTEM_TRAY_S{number}".encode(), 0))
        return bool(x11.XGetSelectionOwner(connection, atom))
    finally:
        x11.XCloseDisplay(ctypes.c_void_p(opened))
