# SPDX-License-Identifier: Apache-2.0
"""Series to HU beside pydicom: dicom.py BUILD_FOLDER [SLICE.dcm] [SLICES]

Needs pydicom and numpy. Writes a series of SLICES (400) slices, copies of an uncompressed SLICE.dcm or a made one of
512 x 512, and prints slices a CPU second of both (median of three, warm cache): from the folder to float32 HU in order of
position. The mean HU of both must agree.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset


def made_slice():
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.Modality = meta.MediaStorageSOPClassUID, "CT"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.ImageType = "1.2.4", "1.2.5", ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.Rows = data.Columns = 512
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation, data.RescaleSlope, data.RescaleIntercept = 15, 1, 1, -1024
    data.PixelSpacing, data.ImageOrientationPatient = [0.7, 0.7], [1, 0, 0, 0, 1, 0]
    data.PixelData = numpy.random.default_rng(1).integers(0, 2000, (512, 512), dtype=numpy.int16).tobytes()
    return data


def pydicom_series(folder):
    slices = [pydicom.dcmread(path) for path in folder.iterdir()]
    slices.sort(key=lambda one: float(one.ImagePositionPatient[2]))
    volume = numpy.empty((len(slices), slices[0].Rows, slices[0].Columns), numpy.float32)
    for k, one in enumerate(slices):
        volume[k] = one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept)
    return volume


def main():
    build = pathlib.Path(sys.argv[1])
    data = pydicom.dcmread(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else made_slice()
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for k in range(count):
            data.ImagePositionPatient = [-170.0, -170.0, 2.5 * k]
            data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.{k + 1}"
            data.save_as(folder / f"{k:04d}.dcm")
        peer, means = [], []
        for _ in range(3):
            start = time.process_time()
            volume = pydicom_series(folder)
            peer.append(count / (time.process_time() - start))
            means.append(float(volume.mean(dtype=numpy.float64)))
        out = subprocess.run([build / "tests" / "test_imaging", "--gtest_also_run_disabled_tests", "--gtest_filter=Speed.*"], capture_output=True, text=True,
                             env={**os.environ, "HEPAR_DICOM_FOLDER": scratch}, check=True).stdout
        lines = [line.split() for line in out.splitlines() if line.startswith("slices_per_cpu_second")]
    ours = statistics.median(float(line[1]) for line in lines)
    if abs(float(lines[0][3]) - means[0]) > 1e-3:
        sys.exit(f"the means differ: {lines[0][3]} and {means[0]}")
    theirs = statistics.median(peer)
    print(f"hepar {ours:.0f} slices/CPU-s, pydicom {pydicom.__version__} {theirs:.0f}, ratio {ours / theirs:.1f}")


if __name__ == "__main__":
    main()
