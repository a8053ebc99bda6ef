"""Rules without a film: rates, ladders, orientation, names, lengths, refusals."""

import random
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matinee.base.errors import MatineeError
from matinee.base.units import BitsPerSecond, DurationMs, FrameRate, Pixels
from matinee.encoding import rules
from matinee.encoding.ladder import FIXED_V1, PER_TITLE_V1, chosen_plans, level_for, load_ladder, video_plans
from matinee.encoding.languages import language_tag, own_name
from matinee.encoding.model import Choice, FilmRefused, Ratio, RefusalReason
from matinee.encoding.probing import main_video, orientation, read_look
from matinee.encoding.rates import STANDARD_RATES, choose_rate, lower_to
from tests.encoding.test_command import PROBE, VIDEO

SIDES = st.integers(64, 8192)


@given(SIDES, SIDES, st.sampled_from(STANDARD_RATES[:17]))
def test_every_rung_is_even_not_upscaled_and_keeps_the_shape(width: int, height: int, rate: FrameRate) -> None:
    plans = video_plans(FIXED_V1, Fraction(width), Fraction(height), rate)
    assert plans
    assert [plan.height for plan in plans] == sorted({plan.height for plan in plans}, reverse=True) or width > height * 8
    for plan in plans:
        assert plan.width % 2 == plan.height % 2 == 0
        assert plan.width <= max(16, width + 1)
        assert plan.height <= max(16, height + 1)
        assert plan.width <= 1920
        assert plan.height <= 1080
        if min(plan.width, plan.height) > 16:
            assert abs(plan.width / plan.height / (width / height) - 1) <= 1.01 / min(plan.width, plan.height) * 2
        assert plan.max_bitrate == plan.bitrate * 3 // 2


@pytest.mark.parametrize(
    ("width", "height", "sizes"),
    [
        (1920, 1080, ["1920x1080", "1280x720", "960x540", "640x360", "416x234"]),
        (3840, 2160, ["1920x1080", "1280x720", "960x540", "640x360", "416x234"]),
        (1920, 804, ["1920x804", "1280x536", "960x402", "640x268", "416x174"]),
        (1080, 1920, ["608x1080", "404x720", "304x540", "202x360", "132x234"]),
        (854, 480, ["854x480", "640x360", "416x234"]),
        (320, 240, ["320x240"]),
        (176, 144, ["176x144"]),
    ],
)
def test_the_ladder_by_shape(width: int, height: int, sizes: list[str]) -> None:
    plans = video_plans(FIXED_V1, Fraction(width), Fraction(height), FrameRate(24, 1))
    assert [f"{plan.width}x{plan.height}" for plan in plans] == sizes


def test_a_ladder_is_data() -> None:
    assert load_ladder(msgspec.json.encode(FIXED_V1)) == FIXED_V1
    upside_down = msgspec.structs.replace(FIXED_V1, rungs=FIXED_V1.rungs[::-1])
    for bad in (b"{}", b"no json", msgspec.json.encode(upside_down)):
        with pytest.raises(MatineeError, match="ladder"):
            load_ladder(bad)


@pytest.mark.parametrize(
    ("width", "height", "rate", "level"),
    [
        (1920, 1080, 24, "4.0"),
        (1920, 1080, 60, "4.2"),
        (1280, 720, 30, "3.1"),
        (416, 234, 30, "1.3"),
        (640, 360, 25, "3.0"),
        (3840, 2160, 30, "5.1"),
    ],
)
def test_levels(width: int, height: int, rate: int, level: str) -> None:
    assert level_for(width, height, FrameRate(rate, 1), BitsPerSecond(900_000)) == level


@given(st.sampled_from(STANDARD_RATES[:17]), st.integers(200, 900), st.sampled_from([1e-6, 1e-3]))
def test_a_rate_is_found_again_from_its_frames(rate: FrameRate, count: int, rounding: float) -> None:
    times = [round(number / float(rate.fraction) / rounding) * rounding for number in range(count)]
    found, uneven = choose_rate(times, [Fraction(1000), rate.fraction])
    assert (found, uneven) == (rate, False)


@given(st.sampled_from(STANDARD_RATES[2:17]), st.integers(120, 400), st.integers(0, 2**32))
def test_a_rate_is_found_where_frames_were_dropped(rate: FrameRate, count: int, seed: int) -> None:
    chance = random.Random(seed)
    kept = [number for number in range(count) if chance.random() > 0.3]
    found, uneven = choose_rate([number / float(rate.fraction) for number in kept], [Fraction(79, 6), rate.fraction])
    assert found == rate
    assert uneven


@pytest.mark.parametrize(("rate", "lowered"), [("120", "60/1"), ("240", "60/1"), ("60", "60/1"), ("100", "50/1"), ("90", "45/1")])
def test_high_rates_are_halved(rate: str, lowered: str) -> None:
    assert str(lower_to(FrameRate(int(rate), 1), 60)) == lowered


@given(st.sampled_from(STANDARD_RATES), st.booleans())
def test_a_segment_is_a_whole_number_of_frames_near_two_seconds(rate: FrameRate, interlaced: bool) -> None:
    video = msgspec.structs.replace(VIDEO, rate=rate, interlaced=interlaced)
    plan = rules.plan_encode(msgspec.structs.replace(PROBE, video=video), FIXED_V1)
    assert plan.rate.fraction <= 60
    assert abs(plan.segment_frames / plan.rate.fraction - 2) <= Fraction(1, 2) / plan.rate.fraction


@pytest.mark.parametrize(
    ("matrix", "turn", "mirrored"),
    [
        ((1, 0, 0, 1), 0, False),
        ((0, 1, -1, 0), 90, False),
        ((-1, 0, 0, -1), 180, False),
        ((0, -1, 1, 0), 270, False),
        ((-1, 0, 0, 1), 0, True),
        ((1, 0, 0, -1), 180, True),
        ((0, 1, 1, 0), 90, True),
        ((0, -1, -1, 0), 270, True),
        (None, 0, False),
        ((0, 0, 0, 0), 0, False),
    ],
)
def test_orientation(matrix: tuple[int, int, int, int] | None, turn: int, mirrored: bool) -> None:
    assert orientation(matrix) == (turn, mirrored)


@pytest.mark.parametrize(
    ("said", "tag", "name"),
    [
        ("fre", "fr", "Français"),
        ("FRA", "fr", "Français"),
        ("pt_br", "pt-BR", "Português (BR)"),
        ("zh-hant", "zh-Hant", "中文 (Hant)"),
        ("und", "und", ""),
        ("", "und", ""),
        ("unknown language", "und", ""),
        ("qaa", "qaa", "qaa"),
    ],
)
def test_languages(said: str, tag: str, name: str) -> None:
    assert (language_tag(said), own_name(tag)) == (tag, name)


@given(st.text(max_size=40))
def test_a_refusal_is_one_printable_line(name: str) -> None:
    refusal = rules.refuse(name, "it is empty", "Copy it again.", RefusalReason.EMPTY)
    assert str(refusal).isprintable()
    assert str(refusal).endswith("it is empty. Copy it again.")


@pytest.mark.parametrize(("width", "height"), [(16_000, 16_000), (8193, 16), (8192, 8192), (0, 0), (1920, 8)])
def test_sizes_that_are_refused(width: int, height: int) -> None:
    with pytest.raises(FilmRefused):
        rules.check_size("film.mp4", width, height)


def test_a_length_of_days_is_refused() -> None:
    with pytest.raises(FilmRefused, match="hours"):
        rules.check_length("film.mp4", DurationMs(13 * 3_600_000))
    rules.check_length("film.mp4", DurationMs(3 * 3_600_000))


@pytest.mark.parametrize(("made", "codes"), [(60_060, []), (59_900, []), (30_000, ["truncated"]), (13_000, ["truncated"])])
def test_what_an_early_end_is_called(made: int, codes: list[str]) -> None:
    plan = rules.plan_encode(PROBE, FIXED_V1)
    assert [warning.code.value for warning in rules.outcome_warnings(plan, DurationMs(made), 0)] == codes


def test_less_than_a_fifth_is_refused() -> None:
    with pytest.raises(FilmRefused) as refusal:
        rules.outcome_warnings(rules.plan_encode(PROBE, FIXED_V1), DurationMs(12_000), 3)
    assert refusal.value.reason is RefusalReason.UNDECODABLE


def test_a_shape_keeps_its_longer_measure() -> None:
    video = msgspec.structs.replace(VIDEO, width=Pixels(720), height=Pixels(576), pixel_shape=Ratio(num=64, den=45))
    assert rules.display_size(video) == (1024, 576)
    tall = msgspec.structs.replace(video, pixel_shape=Ratio(num=1, den=2), rotation=90)
    assert rules.display_size(tall) == (1152, 720)


def test_the_sound_that_goes_on_holds_the_last_frame() -> None:
    longer = msgspec.structs.replace(PROBE.audio[0], duration_ms=DurationMs(65_060))
    assert rules.promised_length(msgspec.structs.replace(PROBE, audio=(longer,))) == (65_060, 5_000)


@given(st.integers(40, rules.LONGEST_MS), st.sampled_from(STANDARD_RATES[:17]))
def test_thumbnails_are_bounded(duration: int, rate: FrameRate) -> None:
    plan = rules.thumbnail_plan(rate, DurationMs(duration), Pixels(1920), Pixels(1080))
    assert plan.columns * plan.tile_width <= 1920
    assert plan.rows * plan.tile_height <= 1080
    assert plan.every_frames >= rate.frames_in(Fraction(2))


def test_the_film_is_the_default_stream_then_the_largest() -> None:
    def entry(index: int, width: int, **more: object) -> dict[str, object]:
        return {"index": index, "codec_type": "video", "codec_name": "h264", "width": width, "height": width, **more}

    cover = entry(0, 4000, disposition={"attached_pic": 1})
    empty = entry(1, 3000, nb_frames="0")
    chosen = main_video([cover, empty, entry(2, 100), entry(3, 200)])
    assert chosen is not None
    assert chosen["index"] == 3
    assert main_video([cover]) is None


def test_a_look_at_nothing_is_none() -> None:
    assert read_look("[h264] [error] no frame!") is None


def test_names_are_counted_by_language() -> None:
    assert rules.unique_names("a", ["fr", "en", "fr", "und", "fr"]) == ["a_fr", "a_en", "a_fr_2", "a_und", "a_fr_3"]


def test_pictures_are_no_larger_than_the_best_rung_that_was_chosen() -> None:
    plan = rules.plan_encode(PROBE, PER_TITLE_V1)
    small = Choice(width=Pixels(640), height=Pixels(360), crf=24.0, bitrate=BitsPerSecond(500_000), score=90.0)
    chosen = rules.with_rungs(plan, chosen_plans([small], plan.rate))
    assert (plan.measures, plan.stills.width, plan.stills.height) == (True, 1280, 720)
    assert (chosen.measures, chosen.stills.width, chosen.stills.height) == (False, 640, 360)


def test_chosen_rungs_of_one_height_have_names_of_their_own() -> None:
    at = [
        Choice(width=Pixels(640), height=Pixels(360), crf=crf, bitrate=BitsPerSecond(rate), score=90.0)
        for crf, rate in ((20.0, 900_000), (26.0, 500_000))
    ]
    first, second = chosen_plans(at, FrameRate(24, 1))
    assert [(one.name, one.path, one.crf) for one in (first, second)] == [
        ("v360", "v360.mp4", 20.0),
        ("v360_2", "v360_2.mp4", 26.0),
    ]
    assert [(one.max_bitrate, one.buffer_bits) for one in (first, second)] == [(1_440_000, 720_000), (800_000, 400_000)]


@pytest.mark.parametrize(
    ("rate", "file", "picture", "shift"),
    [
        (FrameRate(25, 1), 0, 0, 0),
        (FrameRate(25, 1), -23, 0, -23_000),
        (FrameRate(25, 1), 0, 130, -10_000),
        (FrameRate(24000, 1001), 0, 500, 500),
        (FrameRate(25, 1), 1400, 1440, -40_000),
    ],
)
def test_the_first_frame_stands_on_a_frames_time(rate: FrameRate, file: int, picture: int, shift: int) -> None:
    video = msgspec.structs.replace(VIDEO, start_ms=picture, rate=rate)
    assert rules.plan_encode(msgspec.structs.replace(PROBE, start_ms=file, video=video), FIXED_V1).shift_us == shift


def _frames(*runs: tuple[int, float]) -> list[float]:
    """Times of frames: runs of so many at a rate."""
    at, times = 0.0, []
    for count, rate in runs:
        for _ in range(count):
            times.append(round(at, 3))
            at += 1 / rate
    return times


@pytest.mark.parametrize(
    ("times", "claims", "rate"),
    [
        (_frames((300, 24), (100, 60)), ["24"], "60/1"),
        (_frames((300, 30), (40, 15), (300, 30)), ["28"], "30/1"),
        (_frames((200, 29.97), (200, 23.976)), ["27"], "30000/1001"),
        (_frames((400, 25), (100, 50)), ["25"], "50/1"),
        (_frames((300, 12.5), (20, 6)), ["12"], "25/2"),
        (_frames((300, 24), (100, 144)), ["24"], "60/1"),
    ],
)
def test_uneven_frames_are_evened_out_at_a_rate_that_keeps_them(times: list[float], claims: list[str], rate: str) -> None:
    assert str(choose_rate(times, [Fraction(claim) for claim in claims])[0]) == rate
