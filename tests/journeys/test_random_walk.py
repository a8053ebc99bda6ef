"""A remote in the hands of a child: several hundred random keys, and at each one element owns the focus, where it can be seen.

The seed is printed and may be given in MATINEE_WALK_SEED, so that a walk that failed can be walked again.
"""

import os
import random
from dataclasses import dataclass

import numpy as np
from playwright.sync_api import Browser

from tests.journeys.screens import CUT_LINE, Screen, choose_profile, screen
from tests.journeys.service import Service

KEYS = 300
LOOK_EVERY = 10
SAFE_X, SAFE_Y = 96, 54
"""The title-safe area of a 1920 x 1080 screen: 5 % on each side (EBU R 95 asks for 3.5 % and 5 % of graphics)."""

_WEIGHTS = {"ArrowDown": 24, "ArrowRight": 24, "ArrowUp": 16, "ArrowLeft": 16, "Enter": 12, "Escape": 8, "MediaPlayPause": 1}

_OWNER = """() => {
  const shown = e => e.checkVisibility({ visibilityProperty: true });
  const marked = [...document.querySelectorAll("[data-focused]")].filter(shown);
  const layers = [...document.querySelectorAll("[data-anchor]")].filter(shown);
  const active = document.activeElement;
  const box = (marked[0] ?? active).getBoundingClientRect();
  return { marked: marked.length, anchors: layers.length,
    same: marked.length === 1 ? active === marked[0] : layers.includes(active),
    what: `${active?.tagName} ${active?.className} ${active?.getAttribute("aria-label") ?? active?.textContent?.slice(0, 40)}`,
    left: box.left, top: box.top, right: box.right, bottom: box.bottom, hash: location.hash,
    moving: (active?.closest(".layer")?.getAnimations({ subtree: true }) ?? [])
      .filter(one => one.effect.getComputedTiming().iterations === 1).length };
}"""


@dataclass
class Owner:
    """What owns the focus, and where it is in pixels of the screen."""

    marked: int
    anchors: int
    same: bool
    what: str
    left: float
    top: float
    right: float
    bottom: float
    hash: str
    moving: int


def owner_of(tv: Screen) -> Owner:
    return Owner(**tv.page.evaluate(_OWNER))


def settled(tv: Screen) -> Owner:
    """The owner once nothing moves any more: rows slide under the focus for some 400 ms after a key."""
    before = owner_of(tv)
    for _ in range(40):
        tv.page.wait_for_timeout(50)
        now = owner_of(tv)
        still = (now.left, now.top, now.what) == (before.left, before.top, before.what)
        if still and now.same and now.moving == 0:
            return now
        before = now
    return before


def test_one_element_always_owns_the_focus_and_its_ring_shows(service: Service, browser: Browser) -> None:
    seed = int(os.environ.get("MATINEE_WALK_SEED") or random.randrange(10**9))
    print(f"MATINEE_WALK_SEED={seed}")
    chance = random.Random(seed)
    walked: list[str] = []
    rings = 0
    with screen(browser, service.box_address, forgives=CUT_LINE) as tv:
        choose_profile(tv)
        for number in range(KEYS):
            key = chance.choices([*_WEIGHTS], [*_WEIGHTS.values()])[0]
            tv.press(key)
            walked.append(key)
            where = f"seed {seed}, key {number}, the last keys {walked[-12:]}"
            looks = number % LOOK_EVERY == LOOK_EVERY - 1
            now = settled(tv) if looks else owner_of(tv)
            if not now.same:  # the marker moves with the key, the document's focus follows with the next frame
                now = settled(tv)
            assert now.marked <= 1, f"{now.marked} elements say that they have the focus. {where}: {now}"
            assert now.marked == 1 or now.anchors == 1, f"nothing owns the focus. {where}: {now}"
            assert now.same, f"the document's focus is not with its owner. {where}: {now}"
            if not looks or now.marked == 0:
                continue
            assert now.left >= SAFE_X, f"beyond the safe area. {where}: {now}"
            assert now.right <= 1920 - SAFE_X, f"beyond the safe area. {where}: {now}"
            assert now.top >= SAFE_Y, f"beyond the safe area. {where}: {now}"
            assert now.bottom <= 1080 - SAFE_Y, f"beyond the safe area. {where}: {now}"
            assert _ring_is_seen(tv), f"no ring is seen. {where}: {now}"
            rings += 1
    assert rings >= KEYS / LOOK_EVERY / 3, f"of {KEYS} keys only {rings} led to an element with a ring"


def _ring_is_seen(tv: Screen, looks: int = 4) -> bool:
    """Whether the ring shows at one of a few looks: over a film that runs, a look may fall on a change of the picture."""
    for _ in range(looks):
        owner = settled(tv)
        if owner.marked == 0 or _ring_shows(tv, owner):  # a player's controls go by themselves, and the focus with them
            return True
    return False


def _ring_shows(tv: Screen, owner: Owner) -> bool:
    """Whether light lines around the owner go when its marker alone is taken away; what a film moves there does not count."""
    margin = 14
    clip = {
        "x": max(0.0, owner.left - margin),
        "y": max(0.0, owner.top - margin),
        "width": owner.right - owner.left + 2 * margin,
        "height": owner.bottom - owner.top + 2 * margin,
    }
    marked = tv.picture(clip).astype(int)
    tv.page.evaluate("window.held = document.querySelector('[data-focused]'); window.held?.removeAttribute('data-focused')")
    bare = tv.picture(clip).astype(int)
    tv.page.evaluate("window.held?.setAttribute('data-focused', '')")
    again = tv.picture(clip).astype(int)
    by_marker = (np.abs(marked - bare).max(axis=2) > 24) & (np.abs(marked - again).max(axis=2) <= 24)
    light = marked @ np.array([0.2126, 0.7152, 0.0722]) > 150
    return bool((by_marker & light).sum() > 60)
