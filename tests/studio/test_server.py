"""The studio's server, as the page meets it."""

from tests.studio.conftest import Client


def test_smoke(client: Client) -> None:
    print(client.http.get("/api/runs").json())
    print(client.opened())
