"""A page to send to a colleague: one file with the map, its pictures and the studio's own modules, and no studio."""
