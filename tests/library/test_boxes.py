"""Reading fragmented MP4: what real segments say, and that broken ones end in a sentence."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.library.boxes import BoxError, Initialisation, boxes, pssh_payload, read_initialisation, read_segment
from matinee.library.decryption import clear_initialisation, decrypt_segment, samples_of
from matinee.library.model import ContentKeys
from tests.library.conftest import Packaged


@pytest.fixture(scope="module")
def init(packaged: Packaged) -> Initialisation:
    return read_initialisation((packaged.out / "v180/init.mp4").read_bytes())


def test_an_initialisation_segment_tells_of_its_track(packaged: Packaged, init: Initialisation) -> None:
    assert (init.codec, init.timescale, init.edit_media_time) == ("avc1.64000c", 24000, 2002)
    assert init.protection is not None
    assert (init.protection.scheme, init.protection.crypt, init.protection.skip) == ("cbcs", 1, 9)
    assert (init.protection.kid, init.protection.constant_iv) == (packaged.keys.kid, packaged.keys.iv)
    sound = read_initialisation((packaged.out / "a_fr/init.mp4").read_bytes())
    assert (sound.codec, sound.timescale, sound.sample_rate, sound.channels) == ("mp4a.40.2", 48000, 48000, 2)
    assert sound.edit_media_time == 1024
    assert sound.protection is not None
    assert (sound.protection.crypt, sound.protection.skip) == (0, 0)


def test_it_carries_a_pssh_box_for_each_system(packaged: Packaged, init: Initialisation) -> None:
    systems = {system.hex(): box for system, box in init.pssh}
    assert sorted(system[:8] for system in systems) == ["1077efec", "9a04f079", "edef8ba9"]
    common = systems["1077efecc0b24d02ace33c1e52e2fb4b"]
    assert packaged.keys.kid in common
    assert pssh_payload(common) == b""
    playready = pssh_payload(systems["9a04f07998404286ab92e65be0885f95"])
    assert "WRMHEADER" in playready[10:].decode("utf-16-le")


def test_a_segment_tells_of_its_samples(packaged: Packaged, init: Initialisation) -> None:
    segment = read_segment((packaged.out / "v180/2.m4s").read_bytes(), init)
    assert (segment.decode_time, segment.duration, len(segment.samples)) == (48048, 48048, 48)
    assert [sample.sync for sample in segment.samples] == [True] + [False] * 47
    assert all(sample.duration == 1001 and sample.subsamples for sample in segment.samples)


def test_what_is_decrypted_with_another_key_is_another_film(packaged: Packaged, init: Initialisation) -> None:
    data = (packaged.out / "v180/1.m4s").read_bytes()
    segment = read_segment(data, init)
    assert init.protection is not None
    wrong = ContentKeys(kid=packaged.keys.kid, key=b"\x00" * 16, iv=packaged.keys.iv)
    right, other = (list(samples_of(decrypt_segment(data, segment, init.protection, k), segment)) for k in (packaged.keys, wrong))
    assert right != other
    stranger = ContentKeys(kid=b"\x00" * 16, key=packaged.keys.key, iv=packaged.keys.iv)
    with pytest.raises(BoxError, match="another key id"):
        decrypt_segment(data, segment, init.protection, stranger)


def test_the_clear_initialisation_names_its_codec_and_no_key(packaged: Packaged) -> None:
    data = (packaged.out / "v180/init.mp4").read_bytes()
    clear = clear_initialisation(data)
    assert read_initialisation(clear).protection is None
    assert (b"encv" in data, b"avc1" in clear, b"encv" in clear, b"pssh" in clear) == (True, True, False, False)


@settings(max_examples=300, deadline=None)
@given(cut=st.integers(0, 2000), at=st.integers(0, 2000), value=st.binary(min_size=1, max_size=4))
def test_broken_bytes_raise_nothing_but_box_errors(
    packaged: Packaged, init: Initialisation, cut: int, at: int, value: bytes
) -> None:
    for name in ("v180/init.mp4", "v180/1.m4s", "a_fr/1.m4s"):
        data = bytearray((packaged.out / name).read_bytes())
        data[at : at + len(value)] = value
        for broken in (bytes(data), bytes(data[: len(data) - cut])):
            with contextlib.suppress(BoxError):
                if name.endswith("init.mp4"):
                    read_initialisation(broken)
                else:
                    segment = read_segment(broken, init)
                    assert segment.samples[-1].start + segment.samples[-1].size <= len(broken)


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x00\x00\x04free", b"\x00\x00\x00\x09free", b"\x00\x00\x00\x01free\x00"])
def test_a_size_that_makes_no_sense_is_told(data: bytes) -> None:
    with pytest.raises(BoxError):
        list(boxes(data))
