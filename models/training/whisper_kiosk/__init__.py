"""Recipe of the speech recogniser whisper-kiosk-en."""
