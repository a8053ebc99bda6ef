"""Every nasty file, one line each: what it ends as. Published means looked at: upright, right shape, right length, in sync.

Where the shared media are absent, films of the same kinds are made in test_kinds.py, so nothing is skipped silently.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from matinee.encoding import work
from matinee.encoding.model import EncodedFilm, EncodePlan, FilmRefused, Probe, RefusalReason, Transfer, VideoStream
from matinee.outside.tools import find_tools
from tests.encoding.films import FAST, entries, picture_at, stream
from tests.shared import MEDIA


@dataclass(frozen=True)
class Published:
    file: str
    width: int
    height: int
    rate: str
    duration_ms: int
    warnings: str
    audio: str = "a_und"
    text: str = ""


@dataclass(frozen=True)
class Refused:
    file: str
    reason: RefusalReason


OUTCOMES = [
    Published("nasty/bbb_176x144_128kbps_15fps_h263.3gp", 176, 144, "15/1", 1000, "no_audio"),
    Published("nasty/bbb_1920x1080_60fps_vp8.webm", 640, 360, "60/1", 1000, "very_short", audio="a_und a_und_surround"),
    Published("nasty/bear-vp9-odd-dimensions.webm", 160, 120, "30000/1001", 1001, "no_audio"),
    Published("nasty/edit_list_positive_shift.mp4", 640, 360, "30/1", 10000, ""),
    Published("nasty/ff_TestPatternHDR.mp4", 640, 338, "30/1", 14000, "cropped hdr_to_sdr no_audio"),
    Published("nasty/ff_aspect_ratio_5_2_hevc.mp4", 640, 192, "25/1", 1000, "no_audio square_pixels"),
    Published("nasty/ff_bipbop_short_pixel_metadata_bigger_than_in_stream_vp8.webm", 400, 300, "30000/1001", 1001, ""),
    Published("nasty/ff_bunny_hd_5s.mp4", 640, 360, "24/1", 5083, "", audio="a_en"),
    Refused("nasty/ff_flac-sample.mp4", RefusalReason.NO_PICTURE),
    Published("nasty/ff_gizmo-noaudio.mp4", 560, 320, "30/1", 5533, "no_audio"),
    Published("nasty/ff_no-cues.webm", 320, 240, "30/1", 4000, "no_audio"),
    Published("nasty/ff_pixel_aspect_ratio.mp4", 524, 288, "25/1", 28440, "damaged frame_rate_evened no_audio square_pixels"),
    Published("nasty/ff_street.mp4", 480, 360, "30/1", 7933, "audio_longer"),
    Published("nasty/fragmented_captions.mp4", 416, 234, "30000/1001", 2035, "no_audio", text="t_und"),
    Published("nasty/hdr10-video-with-sdr-container.mp4", 640, 360, "30/1", 1033, "frame_rate_evened hdr_to_sdr", audio="a_en"),
    Refused("nasty/invalid-bitstream.webm", RefusalReason.UNDECODABLE),
    Published("nasty/phone_vfr_dog_1080p.mp4", 640, 360, "30/1", 1533, "", audio="a_en"),
    Published("nasty/portrait_4k60.mp4", 202, 360, "60/1", 300, "rotated very_short", audio="a_en"),
    Published("nasty/roadtrip-vp92-10bit.webm", 426, 240, "24000/1001", 3003, "no_audio"),
    Published("nasty/sample.avi", 640, 266, "24000/1001", 4087, ""),
    Published("nasty/sample.flv", 540, 360, "30/1", 1000, "very_short"),
    Published("nasty/sample_12_5fps_720p_1s.mp4", 640, 360, "25/2", 1040, "", audio="a_en"),
    Published("nasty/sample_av1.mp4", 540, 360, "30000/1001", 1001, ""),
    Refused("nasty/sample_dts.ts", RefusalReason.NO_PICTURE),
    Refused("nasty/sample_eac3.mp4", RefusalReason.NO_PICTURE),
    Published("nasty/sample_empty_track.mp4", 540, 360, "30000/1001", 1001, "several_video_streams very_short"),
    Refused("nasty/sample_fragmented_clearkey.mp4", RefusalReason.ENCRYPTED),
    Published("nasty/sample_fragmented_seekable_multiple_sidx.mp4", 640, 360, "30/1", 20000, "no_audio"),
    Published("nasty/sample_h262_mpeg_audio.ps", 540, 360, "25/1", 120, "very_short"),
    Refused("nasty/sample_malformed_free_box.mp4", RefusalReason.UNREADABLE),
    Published("nasty/sample_mdat_too_long.mp4", 540, 360, "30000/1001", 1001, ""),
    Published("nasty/sample_missing_stsd.mp4", 540, 360, "30000/1001", 1001, "audio_skipped no_audio"),
    Published("nasty/sample_portrait.mp4", 240, 360, "30000/1001", 1001, ""),
    Published("nasty/sample_rotate_and_reflect.mp4", 240, 360, "30000/1001", 1001, "rotated"),
    Published("nasty/sample_shorter_audio.mp4", 320, 240, "60/1", 1200, "audio_shorter"),
    Published("nasty/sample_video_only.mp4", 540, 360, "30000/1001", 1001, "no_audio"),
    Published("nasty/sample_with_chapters.mp4", 540, 360, "30000/1001", 1001, ""),
    Published("nasty/sample_with_colr_mdcv_and_clli.mp4", 640, 360, "60000/1001", 1001, "hdr_to_sdr"),
    Published("nasty/sample_with_invalid_nalu.mp4", 540, 360, "30000/1001", 1001, "damaged no_audio"),
    Published("nasty/sample_with_overlapping_srt.mkv", 540, 360, "30/1", 1000, "very_short", text="t_und"),
    Published("nasty/sample_with_pgs_subtitles.mkv", 540, 360, "60/1", 1017, "audio_longer frame_rate_evened subtitle_bitmap"),
    Published("nasty/sample_with_ssa_subtitles.mkv", 540, 360, "30/1", 1000, "very_short", text="t_und"),
    Published("nasty/sample_with_vobsub.mkv", 540, 360, "60/1", 1017, "audio_longer frame_rate_evened subtitle_bitmap"),
    Published("nasty/sample_with_vtt_subtitles.mkv", 540, 360, "30/1", 1000, "subtitle_damaged very_short"),
    Published("nasty/sample_without_stss.mp4", 540, 360, "30000/1001", 1001, "no_audio"),
    Published("nasty/sd-hls0000000000.ts", 640, 360, "24/1", 2500, "", text="t_und"),
    Published("nasty/silent-black-25s.mp4", 320, 240, "30/1", 25000, ""),
    Published("nasty_derived/sintel_10bit_hevc.mp4", 640, 272, "24/1", 6000, "cropped"),
    Published("nasty_derived/sintel_2audio_2subs.mkv", 640, 272, "24/1", 30083, "cropped", audio="a_en a_fr", text="t_en t_fr"),
    Refused("nasty_derived/sintel_audio_only.m4a", RefusalReason.NO_PICTURE),
    Published("nasty_derived/sintel_corrupt_400bytes.mp4", 640, 360, "24/1", 2458, "damaged frame_rate_evened truncated"),
    Published("nasty_derived/sintel_huge_timestamps.ts", 640, 276, "24/1", 6000, "cropped"),
    Published("nasty_derived/sintel_interlaced_tff_576i25.mpg", 640, 276, "50/1", 6000, "cropped deinterlaced square_pixels"),
    Published("nasty_derived/sintel_matroska_named.mp4", 640, 274, "24/1", 3000, "cropped"),
    Published("nasty_derived/sintel_mono_audio.mp4", 640, 276, "24/1", 6000, "cropped"),
    Published("nasty_derived/sintel_no_audio.mp4", 640, 272, "24/1", 6167, "cropped no_audio"),
    Refused("nasty_derived/sintel_no_moov.mp4", RefusalReason.UNREADABLE),
    Published("nasty_derived/sintel_odd_size_853x479.mkv", 640, 274, "24/1", 3000, "cropped"),
    Published("nasty_derived/sintel_rotated90.mp4", 154, 360, "24/1", 6167, "cropped rotated"),
    Published("nasty_derived/sintel_truncated_half_moov_first.mp4", 640, 274, "24/1", 3500, "cropped damaged truncated"),
    Refused("nasty_derived/sintel_truncated_third.mp4", RefusalReason.UNREADABLE),
    Published("nasty_derived/sintel_vfr_dropdup.mp4", 640, 276, "24/1", 6000, "cropped frame_rate_evened"),
    Refused("nasty_derived/text_named.mp4", RefusalReason.NOT_A_FILM),
    Refused("nasty_derived/zero_byte.mp4", RefusalReason.EMPTY),
]
FILMS = [] if MEDIA is None else OUTCOMES


def test_the_table_names_every_nasty_file() -> None:
    folders = [] if MEDIA is None else [MEDIA / "nasty", MEDIA / "nasty_derived"]
    there = {f"{folder.name}/{path.name}" for folder in folders for path in folder.iterdir()}
    assert there == {outcome.file for outcome in FILMS}


@pytest.mark.parametrize("outcome", [each for each in FILMS if isinstance(each, Refused)], ids=lambda each: each.file)
def test_refused(outcome: Refused, tmp_path: Path) -> None:
    assert MEDIA is not None
    source = MEDIA / outcome.file
    with pytest.raises(FilmRefused) as refusal:
        ingest(source, tmp_path)
    assert refusal.value.reason is outcome.reason
    assert refusal.value.message.startswith(f"{source.name}: ")
    assert refusal.value.remedy
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def ingest(source: Path, workdir: Path) -> EncodedFilm:
    planned = work.plan(work.probe(source, find_tools()), FAST)
    return work.encode(planned, source, workdir, find_tools(), lambda _: None)


@pytest.mark.parametrize("outcome", [each for each in FILMS if isinstance(each, Published)], ids=lambda each: each.file)
def test_published(outcome: Published, tmp_path: Path) -> None:
    assert MEDIA is not None
    source = MEDIA / outcome.file
    probed = work.probe(source, find_tools())
    planned = work.plan(probed, FAST)
    film = work.encode(planned, source, tmp_path, find_tools(), lambda _: None)
    best = film.video[0]
    assert (best.width, best.height, str(film.frame_rate), film.duration_ms) == (
        outcome.width,
        outcome.height,
        outcome.rate,
        outcome.duration_ms,
    )
    assert sorted({warning.code.value for warning in film.warnings}) == outcome.warnings.split()
    assert [sound.name for sound in film.audio] == outcome.audio.split()
    assert [text.name for text in film.text] == outcome.text.split()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encode"]
    check_renditions(film, tmp_path)
    check_shape(probed, film)
    if "truncated" not in outcome.warnings:
        check_length(planned, film)
    if planned.source.transfer is Transfer.SDR and not planned.source.interlaced:
        check_upright(source, planned, tmp_path / best.path, best.width, best.height)


def check_renditions(film: EncodedFilm, workdir: Path) -> None:
    """Each rung has the same frames, square pixels and BT.709; each sound ends with the picture."""
    for rung in film.video:
        there = stream(workdir / rung.path)
        assert int(there["nb_read_packets"]) == film.frames
        assert (there["width"], there["height"]) == (rung.width, rung.height)
        assert there["sample_aspect_ratio"] == "1:1"
        assert (there["pix_fmt"], there["color_primaries"], there["color_range"]) == ("yuv420p", "bt709", "tv")
        assert there["start_time"] == "0.000000"
        assert "side_data_list" not in there
        assert rung.codec == f"avc1.6400{int(there['level']):02x}"
        assert keyframes(workdir / rung.path) == list(range(0, film.frames, film.segment_frames))
    for sound in film.audio:
        there = stream(workdir / sound.path)
        assert (there["channels"], there["sample_rate"]) == (2 if sound.mix_of is None else 6, "48000")
        assert abs(float(there["duration"]) * 1000 - film.duration_ms) <= 45
    assert film.thumbnails is not None
    assert all((workdir / path).stat().st_size > 0 for path in film.thumbnails.paths)
    assert film.stills is not None
    assert all((workdir / still.path).stat().st_size > 0 for still in film.stills.candidates)


def keyframes(path: Path) -> list[int]:
    """The places, in coded order, of frames that a player may start at."""
    packets = entries(path, "packet=flags")["packets"]
    assert isinstance(packets, list)
    return [place for place, packet in enumerate(packets) if packet["flags"].startswith("K")]


def check_shape(probed: Probe, film: EncodedFilm) -> None:
    """The display aspect is kept to within the rounding to even sides."""
    video = probed.video
    kept = video.crop or video
    shape = kept.width * video.pixel_shape.fraction / kept.height
    wanted = float(1 / shape if video.rotation in (90, 270) else shape)
    for rung in film.video:
        assert abs(rung.width / rung.height / wanted - 1) <= 1.5 / min(rung.width, rung.height) + 0.001


def check_length(planned: EncodePlan, film: EncodedFilm) -> None:
    assert planned.promised_ms is not None
    frame = 1000 / film.frame_rate.fraction
    assert abs(film.duration_ms - planned.promised_ms) <= max(2 * frame, 40)


def cropping(video: VideoStream) -> str:
    """The crop of a picture that ffmpeg has stood up already."""
    if video.crop is None:
        return ""
    kept = video.crop
    if video.rotation == 270:
        return f"crop={kept.height}:{kept.width}:{kept.top}:{video.width - kept.left - kept.width},"
    assert video.rotation == 0
    return f"crop={kept.width}:{kept.height}:{kept.left}:{kept.top},"


def check_upright(source: Path, planned: EncodePlan, made: Path, width: int, height: int) -> None:
    """The first frame looks as ffmpeg's own turning shows it, in its colours, and less so turned any other way."""
    large = max(planned.source.width, planned.source.height) >= 1280
    matrix = "bt709" if large or planned.source.matrix == "bt709" else "bt601"
    wanted = picture_at(source, width, height, matrix, cropping(planned.source))
    shown = picture_at(made, width, height, "bt709")
    right = float(np.abs(wanted - shown).mean())
    assert right < 9
    if float(wanted.std()) > 20:
        for wrong in (shown[::-1], shown[:, ::-1], shown[::-1, ::-1]):
            assert right < float(np.abs(wanted - wrong).mean()) / 2

