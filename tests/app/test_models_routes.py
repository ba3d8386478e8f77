"""/models: every card, what failed and why, the pictures."""

import httpx

from contract import ModelCard


def test_every_version_that_is_served_has_an_entry(client: httpx.Client) -> None:
    models = client.get("/models").json()["models"]
    assert [(entry["name"], entry["version"]) for entry in models] == [
        ("tiny", 1),
        ("tiny-colour", 1),
        ("tiny-conditional", 1),
        ("tiny-large", 1),
        ("tiny-translator", 1),
        ("tiny-two", 1),
        ("tiny-two", 2),
    ]
    for entry in models:
        assert set(ModelCard.model_fields) <= set(entry)
        assert len(entry["digest"]) == 64
        assert entry["execution_provider"] == "CPUExecutionProvider"


def test_an_entry_holds_the_cards_fields_at_top_level(client: httpx.Client) -> None:
    entry = client.get("/models/tiny-conditional").json()
    assert entry["class_names"] == ["T-shirt/top", "Bag", "7"]
    assert (entry["system"], entry["kind"], entry["latent_dim"]) == ("cgan", "generator", 4)
    assert client.get("/models/tiny").json()["class_names"] == []


def test_a_checksum_is_verified_or_unlisted(client: httpx.Client) -> None:
    assert client.get("/models/tiny").json()["checksum"] == "verified"
    assert client.get("/models/tiny-colour").json()["checksum"] == "unlisted"


def test_a_broken_model_is_listed_with_its_reason(client: httpx.Client) -> None:
    (failed,) = client.get("/models").json()["failed"]
    assert (failed["name"], failed["version"]) == ("tiny-broken", 1)
    assert failed["reason"]


def test_a_name_means_its_highest_version(client: httpx.Client) -> None:
    assert client.get("/models/tiny-two").json()["version"] == 2


def test_an_unknown_model_is_answered_with_those_that_are_served(client: httpx.Client) -> None:
    for path in ("/models/nobody", "/models/nobody/preview.png"):
        response = client.get(path)
        assert response.status_code == 404
        assert "tiny-two" in response.json()["detail"]


def test_the_preview_is_the_file_beside_the_model(client: httpx.Client) -> None:
    response = client.get("/models/tiny-two/preview.png")
    assert response.headers["content-type"] == "image/png"
    assert response.content == b"\x89PNG preview"
    missing = client.get("/models/tiny/preview.png")
    assert missing.status_code == 404
    assert "preview.png" in missing.json()["detail"]
