"""Recipe of the voice en_US-kiosk-low."""
