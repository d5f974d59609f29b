"""Samples are bounded, survive what a kill leaves, and are read back as they were."""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.rundir.folder import SAMPLES
from bulkmail.rundir.manifest import Waited
from bulkmail.rundir.samples import Sample, Samples, read_samples

FULL = Sample(
    1.5, 2.0, 9, 7, {"ok": 6, "denied": 1}, 5, 1, 20, 3, 2, 1.5, {"TooManyRequests, application": Waited(2, 1.5)},
    {"done": 4}, 2, 0.5, 8, 64, None, 12.5, 0.004, "hover", 3, 4096,
)  # fmt: skip


def sample(seconds: float) -> Sample:
    return Sample(1000 + seconds, seconds)


def write(folder: Path, *samples: Sample, most: int = 100) -> None:
    file = Samples(folder, most)
    file.add(samples, last=True)
    file.close()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert read_samples(tmp_path) == []
    write(tmp_path, FULL)
    assert read_samples(tmp_path) == [FULL]
    assert (tmp_path / SAMPLES).stat().st_mode & 0o777 == 0o600


def test_one_a_second_and_the_last_one_always(tmp_path: Path) -> None:
    write(tmp_path, *map(sample, (0, 0.2, 1.01, 1.2, 1.9, 3.1, 3.2)))
    assert [one.seconds for one in read_samples(tmp_path)] == [0, 1.01, 1.9, 3.1, 3.2]


def test_one_that_is_not_due_is_written_as_the_last_only(tmp_path: Path) -> None:
    file = Samples(tmp_path, 100)
    for seconds, last in ((0, False), (0.2, False), (0.4, True)):
        file.add([sample(seconds)], last=last)
    file.close()
    assert [one.seconds for one in read_samples(tmp_path)] == [0, 0.4]


def test_a_process_goes_on_behind_the_one_before_it_and_half_a_line_goes(tmp_path: Path) -> None:
    write(tmp_path, sample(0), sample(1))
    with (tmp_path / SAMPLES).open("ab") as file:
        file.write(b'{"at": 17, "sec')
    assert [one.seconds for one in read_samples(tmp_path)] == [0, 1]
    write(tmp_path, sample(0), sample(1), sample(2))
    assert [one.seconds for one in read_samples(tmp_path)] == [0, 1, 0, 1, 2]
    assert (tmp_path / SAMPLES).read_bytes().count(b"\n") == 5


def test_lines_that_are_not_samples_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / SAMPLES).write_bytes(b'{"at": 1, "seconds": 2, "later": 3}\n[]\n\xff\n{"at": "x", "seconds": 0}\n')
    assert read_samples(tmp_path) == [Sample(1, 2)]


@settings(max_examples=40, deadline=None)
@given(seconds=st.integers(1, 300), most=st.integers(4, 20), together=st.integers(1, 50))
def test_a_long_run_is_thinned_out_evenly(seconds: int, most: int, together: int) -> None:
    with TemporaryDirectory() as name:
        folder, file = Path(name), Samples(Path(name), most)
        for start in range(0, seconds, together):
            file.add([sample(one) for one in range(start, min(start + together, seconds))])
        file.add([sample(seconds)], last=True)
        file.close()
        kept = [one.seconds for one in read_samples(folder)]
    gaps = [after - before for before, after in pairwise(kept)]
    assert (kept[0], kept[-1]) == (0, seconds)
    assert len(kept) <= most
    assert max(gaps) <= max(1, 4 * seconds / most)
