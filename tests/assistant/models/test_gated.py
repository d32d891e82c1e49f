"""Models that the hub gives only to those who accepted their terms."""

from __future__ import annotations

import dataclasses
import re

import pytest

from assistant.models.errors import PullError
from pipeline.errors import ModelMissing
from tests.assistant.models.conftest import BIG, SMALL, Shop
from tests.fakes.hub import FakeHub

pytestmark = pytest.mark.unit


def test_who_has_a_token_gets_it_and_each_file_from_its_own_repository(shop: Shop) -> None:
    shop.token = "hf_right"
    assert shop.pull("split")
    folder = shop.store.path("split")
    assert (folder / "model.safetensors").read_bytes() == BIG
    assert (folder / "tokenizer.json").read_bytes() == SMALL
    asked = [request.path for request in shop.hub.requests]
    assert asked[0] == "shop/gated/resolve/abc/en/model.safetensors"
    assert asked[-1] == "shop/open/resolve/def/en/2/tokenizer.json"
    assert shop.store.verify("split")


@pytest.mark.parametrize(
    ("token", "status", "advice"),
    [
        ("", 401, r"Accept the terms at http://127\.0\.0\.1:\d+/shop/gated with an account there.*HF_TOKEN="),
        (" ", 401, "HF_TOKEN="),
        ("hf_wrong", 403, r"token in HF_TOKEN must accept the terms at \S+/shop/gated;.*valid"),
    ],
)
def test_who_has_none_is_told_what_to_do(shop: Shop, token: str, status: int, advice: str) -> None:
    shop.token = token
    with pytest.raises(PullError, match=rf"refuses split/model\.safetensors \(HTTP {status}\)") as caught:
        shop.pull("split")
    assert re.search(advice, caught.value.remedy)
    assert "hf_wrong" not in str(caught.value)
    assert not shop.slept, "asking again would change nothing"
    with pytest.raises(ModelMissing):
        shop.store.path("split")


def test_the_token_is_told_to_the_hub_and_to_nobody_else(shop: Shop) -> None:
    shop.token = "hf_right"
    with FakeHub(files=shop.hub.files) as store:
        shop.hub.elsewhere = store.url.replace("127.0.0.1", "localhost")
        assert shop.pull("split")
        assert [request.authorization for request in store.requests] == [""]
    assert {request.authorization for request in shop.hub.requests} == {"Bearer hf_right"}


def test_without_a_token_nothing_is_said_about_who_asks(shop: Shop) -> None:
    assert shop.pull("voice")
    assert not any(request.authorization for request in shop.hub.requests)


def test_a_file_elsewhere_comes_from_the_mirror_under_its_own_name(shop: Shop) -> None:
    shop.token = "hf_right"
    shop.pull("split")
    mirror = shop.folder.rename(shop.folder.with_name("mirror"))
    shop.hub.requests.clear()
    other = dataclasses.replace(shop, mirror=mirror)
    assert other.pull("split")
    assert not shop.hub.requests
    assert (other.store.path("split") / "tokenizer.json").read_bytes() == SMALL
