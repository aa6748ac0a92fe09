import json
from pathlib import Path

import numpy as np
from anir_runtime.coordinates import axis_coordinates

VECTORS = Path(__file__).parent / "vectors" / "coordinates.json"


def test_coordinates_are_those_of_the_shared_vectors() -> None:
    cases = json.loads(VECTORS.read_text())
    assert len(cases) > 6
    for case in cases:
        options = {key: case[key] for key in ("size", "start", "count") if key in case}
        values = axis_coordinates(case["n"], **options)
        assert values.dtype == np.float32
        if "values" in case:
            assert values.tolist() == np.array(case["values"], np.float32).tolist()
        else:
            assert values[:3].tolist() == np.array(case["first3"], np.float32).tolist()
            assert values[-1] == np.float32(case["last"])


def test_pixel_centres_are_symmetric_around_zero() -> None:
    for n in (1, 2, 5, 512):
        values = axis_coordinates(n)
        assert len(values) == n
        np.testing.assert_array_equal(values, -values[::-1])


def test_a_crop_at_native_scale_is_a_slice_of_the_whole() -> None:
    np.testing.assert_array_equal(axis_coordinates(100, 10, 30, 10), axis_coordinates(100)[30:40])
