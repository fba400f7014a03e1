"""The documentation as a site: built from the repository, readable from a folder by a double click."""
