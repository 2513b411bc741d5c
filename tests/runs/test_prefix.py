"""Prompts keep their beginnings: a server's prefix cache knows most of what self-play sends."""

from pathlib import Path

import pytest

from bench.prefix import SELF_PLAY, WRITERS, prefix_share
from psyloom.agents import Writer
from psyloom.runs import pair


@pytest.mark.parametrize("slug", SELF_PLAY)
async def test_at_least_85_percent_of_what_self_play_sends_is_a_prefix_sent_before(slug: str, tmp_path: Path) -> None:
    assert await prefix_share(slug, tmp_path, pair(slug, slug)) >= 0.85


@pytest.mark.parametrize("slug", WRITERS)
async def test_at_least_85_percent_of_what_a_writer_that_plays_sends_is_a_prefix_sent_before(
    slug: str, tmp_path: Path
) -> None:
    assert await prefix_share(slug, tmp_path, slug) >= 0.85


async def test_a_window_that_slides_loses_its_beginning(tmp_path: Path) -> None:
    sliding: Writer = pair("mdd5k", "mdd5k", {"client.steady": "false", "counselor.steady": "false"})
    assert await prefix_share("mdd5k", tmp_path, sliding) < 0.85
