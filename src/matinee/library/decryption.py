"""Taking the encryption off again, in our own code: the check of what the packager wrote must not be the packager.

Pattern encryption with a constant IV (`cbcs` of ISO/IEC 23001-7:2016, 10.4): in each protected range AES-128-CBC runs over
`crypt` of every `crypt + skip` blocks of 16 bytes and starts again from the IV; a last block that is not whole stays clear.
The key never leaves this process: ffmpeg takes it on its command line only, where any process of the machine could read it.
"""

from collections.abc import Iterator

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from matinee.library.boxes import BoxError, Initialisation, MediaSegment, Protection, read_initialisation, walk
from matinee.library.model import ContentKeys

_BLOCK = 16


def decrypt_segment(data: bytes, segment: MediaSegment, protection: Protection, keys: ContentKeys) -> bytes:
    """The same segment with clear samples, and the boxes that described their encryption blanked. Raises BoxError."""
    if protection.scheme != "cbcs":
        raise BoxError(f"the scheme is {protection.scheme!r}; ours is 'cbcs'")
    if protection.kid != keys.kid:
        raise BoxError("the samples name another key id than the package's")
    clear = np.frombuffer(bytearray(data), dtype=np.uint8)
    offsets, starts = _encrypted_blocks(segment, protection)
    if offsets.size:
        _decrypt_blocks(clear, offsets, starts, keys.key, protection.constant_iv)
    result = bytearray(clear.tobytes())
    _blank(result, (b"senc", b"saiz", b"saio"))
    return bytes(result)


def clear_initialisation(data: bytes) -> bytes:
    """The same initialisation segment for clear samples: the sample entry has its own name again."""
    result = bytearray(data)
    for box in walk(data):
        if box.kind == b"frma":
            original = data[box.body : box.end]
            for entry in walk(data):
                if entry.kind in (b"encv", b"enca"):
                    result[entry.start + 4 : entry.start + 8] = original
    _blank(result, (b"sinf", b"pssh"))
    if read_initialisation(bytes(result)).protection is not None:
        raise BoxError("the initialisation segment still claims encryption")
    return bytes(result)


def samples_of(data: bytes, segment: MediaSegment) -> Iterator[bytes]:
    """The bytes of each sample, in order."""
    view = memoryview(data)
    for sample in segment.samples:
        yield bytes(view[sample.start : sample.start + sample.size])


def initialisation_matches(init: Initialisation, keys: ContentKeys) -> bool:
    """Whether a track is encrypted with this key id and IV."""
    protection = init.protection
    return protection is not None and protection.kid == keys.kid and protection.constant_iv == keys.iv


def _blank(data: bytearray, kinds: tuple[bytes, ...]) -> None:
    for box in walk(bytes(data)):
        if box.kind in kinds:
            data[box.start + 4 : box.start + 8] = b"free"


def _protected_ranges(segment: MediaSegment) -> Iterator[tuple[int, int]]:
    for sample in segment.samples:
        if not sample.subsamples:
            yield sample.start, sample.size
            continue
        at = sample.start
        for clear, protected in sample.subsamples:
            yield at + clear, protected
            at += clear + protected


def _encrypted_blocks(segment: MediaSegment, protection: Protection) -> tuple["np.ndarray", "np.ndarray"]:
    """Where the encrypted blocks lie, int64[n], and which of them begin a range, bool[n]: there the IV stands before."""
    crypt, period = protection.crypt, protection.crypt + protection.skip
    all_offsets, all_starts = [], []
    for start, size in _protected_ranges(segment):
        blocks = np.arange(size // _BLOCK, dtype=np.int64)
        if period:
            blocks = blocks[blocks % period < crypt]
        if blocks.size:
            starts = np.zeros(blocks.size, dtype=bool)
            starts[0] = True
            all_offsets.append(start + blocks * _BLOCK)
            all_starts.append(starts)
    if not all_offsets:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    return np.concatenate(all_offsets), np.concatenate(all_starts)


def _decrypt_blocks(data: "np.ndarray", offsets: "np.ndarray", starts: "np.ndarray", key: bytes, iv: bytes) -> None:
    """CBC by hand, P = D(C) xor the C before, so that all ranges of a segment go through AES in one call."""
    index = offsets[:, None] + np.arange(_BLOCK)
    cipher = data[index]
    # ECB is the bare block function here; the chaining is the line after next.
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305
    plain = np.frombuffer(decryptor.update(cipher.tobytes()) + decryptor.finalize(), dtype=np.uint8).reshape(-1, _BLOCK)
    before = np.roll(cipher, 1, axis=0)
    before[starts] = np.frombuffer(iv, dtype=np.uint8)
    data[index] = plain ^ before
