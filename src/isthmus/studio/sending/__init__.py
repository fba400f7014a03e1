"""A page to send to a colleague: one file with the map, its pictures and the studio's own modules, and no studio."""

from isthmus.studio.sending.site import Sent, check_folder, send

__all__ = ["Sent", "check_folder", "send"]
