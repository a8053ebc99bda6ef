"""Packages with AV1 beside H.264: encrypted, proved and told by both manifests, in SDR and in HDR."""

import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from matinee.base.ids import PackageId, new_id
from matinee.encoding.model import EncodedFilm, Transfer
from matinee.library.boxes import read_initialisation, read_segment, walk
from matinee.library.keys import new_content_keys
from matinee.library.model import ContentKeys, DrmSystem, LibraryError, PackageFiles
from matinee.library.work import package, publish, repackage, verify
from matinee.outside.objects import ObjectStore
from matinee.outside.tools import find_tools
from tests.library.films import Shape, make_film
from tests.library.test_manifests import MPD, mpd_schema

CODECS = {
    Transfer.SDR: "av01.0.00M.08",
    Transfer.PQ: "av01.0.00M.10.0.110.09.16.09.0",
    Transfer.HLG: "av01.0.00M.10.0.110.09.18.09.0",
}
Made = tuple[Path, EncodedFilm, ContentKeys, PackageFiles]


@pytest.fixture(scope="module", params=[Transfer.SDR, Transfer.PQ, Transfer.HLG], ids=lambda transfer: transfer.value)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("av1")
    film = make_film(folder / "work", Shape(frames=108, sounds=(("fr", "Français", "main"),), texts=(), av1=request.param))
    keys = new_content_keys()
    files = package(film, folder / "work", PackageId(new_id()), keys, (DrmSystem.CLEARKEY,), folder / "out", find_tools())
    return folder / "out", film, keys, files


def test_it_decrypts_to_what_was_encoded_and_one_changed_byte_shows(made: Made, tmp_path: Path) -> None:
    out, film, keys, files = made
    report = verify(out, film, keys, find_tools())
    assert report.frames_decoded > 4 * film.frames
    assert [(track.name, track.samples, track.segments) for track in files.tracks[:4]] == [
        (name, 108, 3) for name in ("v180", "v90", "av1_180", "av1_90")
    ]
    segment = out / "av1_180" / "2.m4s"
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        with pytest.raises(LibraryError, match=r"av1_180/2\.m4s is not as it was written"):
            verify(out, film, keys, find_tools())
    finally:
        segment.write_bytes(whole)


def test_the_headers_of_tiles_stay_clear_and_the_tiles_do_not(made: Made) -> None:
    out, *_ = made
    init = read_initialisation((out / "av1_180" / "init.mp4").read_bytes())
    assert init.protection is not None
    assert (init.protection.scheme, init.protection.crypt, init.protection.skip) == ("cbcs", 1, 9)
    first = read_segment((out / "av1_180" / "1.m4s").read_bytes(), init).samples[0]
    assert first.sync
    assert first.subsamples[0][0] > 0
    assert sum(protected for _, protected in first.subsamples) > first.size / 2


def test_the_master_tells_h264_first_and_each_light_by_its_name(made: Made) -> None:
    out, film, *_ = made
    transfer = film.video[-1].transfer
    text = (out / "master.m3u8").read_text(encoding="utf-8")
    told = re.findall(r"#EXT-X-STREAM-INF:.*?CODECS=\"([^\"]*)\".*?VIDEO-RANGE=(\w+).*\n(.*)/main", text)
    h264 = [read_initialisation((out / name / "init.mp4").read_bytes()).codec for name in ("v180", "v90")]
    light = transfer.value.upper()
    assert told == [
        (f"{h264[0]},mp4a.40.2", "SDR", "v180"),
        (f"{h264[1]},mp4a.40.2", "SDR", "v90"),
        (f"{CODECS[transfer]},mp4a.40.2", light, "av1_180"),
        (f"{CODECS[transfer]},mp4a.40.2", light, "av1_90"),
    ]
    pictures = re.findall(r"#EXT-X-I-FRAME-STREAM-INF:.*VIDEO-RANGE=(\w+),URI=\"(.*)/iframes", text)
    assert pictures == [("SDR", "v180"), ("SDR", "v90"), (light, "av1_180"), (light, "av1_90")]
    lengths = {
        re.sub(r"(?m)^#EXT-X-KEY.*\n", "", (out / name / "main.m3u8").read_text()) for name in ("v180", "av1_180", "av1_90")
    }
    assert len(lengths) == 1


def test_the_mpd_has_a_set_to_each_coding_with_one_time_line(made: Made) -> None:
    out, film, *_ = made
    transfer = film.video[-1].transfer
    text = (out / "manifest.mpd").read_text(encoding="utf-8")
    if (schema := mpd_schema()) is not None:
        schema.validate(text)
    sets = [one for one in ET.fromstring(text).iter(f"{MPD}AdaptationSet") if one.get("contentType") == "video"]
    assert [[rung.get("id") for rung in one.iter(f"{MPD}Representation")] for one in sets] == [
        ["v180", "v90"],
        ["av1_180", "av1_90"],
    ]
    assert {rung.get("codecs") for rung in sets[1].iter(f"{MPD}Representation")} == {CODECS[transfer]}
    templates = [ET.tostring(next(one.iter(f"{MPD}SegmentTemplate"))) for one in sets]
    assert templates[0] == templates[1]
    essential = [{one.get("schemeIdUri"): one.get("value") for one in each.iter(f"{MPD}EssentialProperty")} for each in sets]
    points = {Transfer.PQ: "16", Transfer.HLG: "18"}
    hdr = {"ColourPrimaries": "9", "TransferCharacteristics": points.get(transfer), "MatrixCoefficients": "9"}
    wanted = {f"urn:mpeg:mpegB:cicp:{name}": value for name, value in hdr.items()}
    assert essential == [{}, wanted if transfer in points else {}]
    protections = [[ET.tostring(one) for one in each.iter(f"{MPD}ContentProtection")] for each in sets]
    assert protections[0] == protections[1]


def test_what_the_film_says_of_its_mastering_stands_in_every_hdr_rung(made: Made) -> None:
    out, film, *_ = made
    _tells_its_mastering(out, film)


def test_new_keys_leave_pictures_and_mastering_as_they_were(made: Made, tmp_path: Path) -> None:
    out, film, keys, files = made
    store = ObjectStore.local(tmp_path / "published")
    publish(out, files.package_id, store)
    others, again = new_content_keys(), PackageId(new_id())
    made_anew = tmp_path / "again"
    repackage(film, files, store, keys, again, others, (DrmSystem.CLEARKEY,), made_anew, find_tools())
    verify(made_anew, film, others, find_tools())
    _tells_its_mastering(made_anew, film)


def _tells_its_mastering(out: Path, film: EncodedFilm) -> None:
    for rung in film.video:
        data = (out / rung.name / "init.mp4").read_bytes()
        found = {box.kind: data[box.body : box.end] for box in walk(data)}
        if rung.transfer is Transfer.SDR:
            assert not found.keys() & {b"mdcv", b"clli"}
        else:
            assert struct.unpack(">HH", found[b"clli"]) == (900, 300)
            assert struct.unpack(">8H2I", found[b"mdcv"])[8:] == (10_000_000, 50)
