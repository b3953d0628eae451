# SPDX-License-Identifier: Apache-2.0
"""Raw files in which every field that can hold text holds identifiers: DICOM written element by element (every tag of the
basic profile of PS3.15, private groups, sequences, overlays), TIFF slides with every text tag and with labels whose very
pixels spell them, pathology letters. Used by privacy_test.py."""
import struct
import zlib

import numpy as np

SECRETS = ["欧阳甄仁", "Zebulon Quartermain", "ZY0098765", "310101196103070019", "13912345678", "1961-03-07", "19610307", "B2024-77123",
           "Quartermain", "Zebulon^Quartermain", "上官报医", "QX-MRN-4471", "quasar street"]
ALL = " / ".join(SECRETS)
LETTER = """仁济某某医院 病理诊断报告单
姓名：欧阳甄仁 Name: Zebulon Quartermain  性别：男 住院号：ZY0098765 病理号：B2024-77123 身份证：310101196103070019 电话：13912345678
出生日期：1961-03-07 (19610307) 地址：quasar street 14 MRN: QX-MRN-4471
病理诊断：（右肝）肝细胞癌，中分化，Edmondson Ⅱ级，大小4.5×4×3cm，切缘未见癌，距切缘1cm，欧阳甄仁 13912345678。
MVI：M1 欧阳甄仁。CK19(-)欧阳甄仁，Ki-67(20%+)。
报告医师：上官报医 审核：Zebulon Quartermain 1961-03-07
"""

# Tags of PS3.15's basic profile that hold text, with their value representation.
TEXT_TAGS = """00080050 SH 00080080 LO 00080081 ST 00080090 PN 00080092 ST 00080094 SH 00081010 SH 00081030 LO 00081040 LO 00081048 PN 00081050 PN 00081060 PN
00081070 PN 00081080 LO 00082111 ST 00084000 LT 00100010 PN 00100020 LO 00100021 LO 00101000 LO 00101001 PN 00101005 PN 00101040 LO 00101050 LO 00101060 PN
00101080 LO 00101090 LO 00102000 LO 00102110 LO 00102150 LO 00102152 LO 00102154 SH 00102160 SH 00102180 SH 001021b0 LT 001021f0 LO 00102297 PN
00104000 LT 00181000 LO 00181002 UI 00181004 LO 00181005 LO 00181007 LO 00181008 LO 00181012 DA 00181030 LO 00181400 LO 00184000 LT 00200010 SH
00204000 LT 00280303 LO 00281214 UI 00321032 PN 00321033 LO 00321060 LO 00324000 LT 00380010 LO 00380300 LO 00380500 LO 00384000 LT 00400006 PN 00400242 SH
00400243 SH 00400254 LO 00400280 ST 00401001 SH 00401010 PN 00402016 LO 00402017 LO 0040a123 PN 00880140 UI 40000010 LT 40004000 LT""".split()
LONGEST = {"SH": 16, "CS": 16, "AE": 16, "LO": 64, "PN": 64, "ST": 1024, "LT": 10240, "UT": 100000}


def element(tag, vr, value):
    value = value if isinstance(value, bytes) else value.encode("utf-8")
    value += (b"\0" if vr in ("UI", "OB", "OW", "UN") else b" ") * (len(value) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xffff) + vr.encode()
    return head + (struct.pack("<HI", 0, len(value)) if vr in ("OB", "OW", "SQ", "UN", "UT") else struct.pack("<H", len(value))) + value


def sequence(tag, *items):
    return element(tag, "SQ", b"".join(struct.pack("<HHI", 0xfffe, 0xe000, len(item)) + item for item in items))


def salt(vr, at):
    """An identifier that fits the representation; the longer ones hold all of them."""
    if vr == "UI":
        return f"1.2.840.13912345678.19610307.{at}"
    if vr in ("DA", "DT"):
        return "19610307"
    if vr == "PN":
        return "Zebulon^Quartermain=欧阳甄仁"
    longest = LONGEST.get(vr, 64)
    return ALL if longest > 1000 else [s for s in SECRETS if len(s.encode("utf-8")) <= longest][at % 8]


def dicom(path, *, slice_index=0, phase="动脉期", series=1, cut=None, structured_report=False, syntax="1.2.840.10008.1.2.1"):
    """A CT slice (or a structured report) of 32 x 32 px; `cut` ends the file after so many bytes."""
    tags = {}
    for at, (tag, vr) in enumerate(zip(TEXT_TAGS[::2], TEXT_TAGS[1::2])):
        tags[int(tag, 16)] = (vr, salt(vr, at))
    sop = "1.2.840.10008.5.1.4.1.1.88.11" if structured_report else "1.2.840.10008.5.1.4.1.1.2"
    tags.update({0x00080005: ("CS", "ISO_IR 192"), 0x00080008: ("CS", "ORIGINAL\\PRIMARY\\AXIAL"), 0x00080016: ("UI", sop), 0x00080018: ("UI", f"1.2.840.13912345678.{series}.{slice_index + 1}"),
                 0x00080020: ("DA", "20140601"), 0x00080021: ("DA", "20140601"), 0x00080030: ("TM", "090000"), 0x00080032: ("TM", "090000"), 0x00080060: ("CS", "SR" if structured_report else "CT"),
                 0x0008103e: ("LO", f"{phase} 欧阳甄仁 ZY0098765"), 0x00100030: ("DA", "19610307"), 0x0020000d: ("UI", "1.2.840.13912345678.19610307"), 0x0020000e: ("UI", f"1.2.840.13912345678.19610307.{series}"),
                 0x00200052: ("UI", "1.2.840.13912345678.9"), 0x00200011: ("IS", str(series)), 0x00200013: ("IS", str(slice_index + 1))})
    if not structured_report:
        tags.update({0x00200032: ("DS", f"-80\\-80\\{5 * slice_index}"), 0x00200037: ("DS", "1\\0\\0\\0\\1\\0"), 0x00280030: ("DS", "5\\5"), 0x00180050: ("DS", "5"), 0x00281052: ("DS", "-1024"), 0x00281053: ("DS", "1"),
                     0x00280004: ("CS", "MONOCHROME2")})
        for tag, value in ((0x00280002, 1), (0x00280010, 32), (0x00280011, 32), (0x00280100, 16), (0x00280101, 12), (0x00280102, 11), (0x00280103, 0)):
            tags[tag] = ("US", struct.pack("<H", value))
    data = {tag: element(tag, vr, value) for tag, (vr, value) in tags.items()}
    person = element(0x00401101, "LO", "ZY0098765") + element(0x0040a123, "PN", "Zebulon^Quartermain")
    for tag in (0x00081110, 0x00081140, 0x00101002, 0x00400275, 0x0040a073, 0x0040a730):
        data[tag] = sequence(tag, element(0x00081155, "UI", salt("UI", 7)) + element(0x00100010, "PN", salt("PN", 0)) + element(0x00321060, "LO", salt("LO", 3)),
                             element(0x0040a160, "UT", ALL) + sequence(0x0040a730, person))
    for group in (0x0009, 0x0029, 0x00e1, 0x7fe1):  # private
        for number, (vr, value) in enumerate([("LO", "QUARTERMAIN"), ("LT", ALL), ("UN", ALL.encode("gb18030"))]):
            tag = group << 16 | (0x10 if number == 0 else 0x1000 + number)
            data[tag] = element(tag, vr, value if number else "Zebulon Quartermain")
    for tag, vr, value in ((0x60000010, "US", struct.pack("<H", 32)), (0x60000011, "US", struct.pack("<H", 32)), (0x60000022, "LO", "欧阳甄仁"), (0x60003000, "OW", ALL.encode("utf-8") * 2), (0x60004000, "LT", ALL)):
        data[tag] = element(tag, vr, value)
    if not structured_report:
        shade = np.fromfunction(lambda y, x: 1074 + 30 * ((x - 16) ** 2 + (y - 16) ** 2 < 60) + (x * 7 + y * 3 + slice_index) % 11, (32, 32))
        data[0x7fe00010] = element(0x7fe00010, "OW", shade.astype("<u2").tobytes())
    data.pop(0x7fe11001, None)  # one tag behind the pixels is enough: 7fe1,1002
    meta = element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", sop) + element(0x00020003, "UI", "1.2.840.13912345678.1") + element(0x00020010, "UI", syntax) + element(0x00020016, "AE", "ZY0098765")
    content = ALL.encode("utf-8")[:128].ljust(128, b"\0") + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + b"".join(data[tag] for tag in sorted(data))
    path.write_bytes(content[:cut])


def tissue(width, height, seed):
    noise = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 244, np.uint8)
    picture[height // 8:-height // 8, width // 8:-width // 8] = (222, 142, 186)
    for y, x in noise.integers(100, min(width, height) - 100, (900, 2)):
        picture[y:y + 12, x:x + 12] = (92, 66, 148)
    return np.clip(picture.astype(np.int16) + noise.integers(-6, 7, picture.shape), 0, 255).astype(np.uint8)


def spelled(width, height):
    """A picture whose bytes are identifiers."""
    return np.frombuffer((ALL.encode("utf-8") * (width * height * 3 // 100))[:width * height * 3], np.uint8).reshape(height, width, 3)


def tiff(path, *, aperio=False, cut=None):
    """A tiled slide of 0.5 um/px, uncompressed; as Aperio with thumbnail, label and macro."""
    describe = (lambda what: f"Aperio Image Library v11 \r\n{what}|AppMag = 20|MPP = 0.5|Filename = {ALL}|Title = 欧阳甄仁|User = Zebulon Quartermain|Date = 1961-03-07") if aperio else (lambda what: what + ALL)
    full = tissue(1536, 1280, zlib.crc32(path.name.encode()))  # a slide of its own: one slide under two ids is refused
    pages = [(full, True, describe("1536x1280 "))]
    if aperio:
        pages += [(spelled(128, 96), False, describe("thumbnail ")), (full[::4, ::4], True, describe("384x320 ")), (spelled(96, 96), False, describe("label 96x96")), (spelled(200, 96), False, describe("macro 200x96"))]
    else:
        pages += [(spelled(128, 96), False, describe("label"))]
    out, link = bytearray(b"II*\0\0\0\0\0"), 4
    for number, (picture, tiled, description) in enumerate(pages):
        height, width = picture.shape[:2]
        edge = 256
        blocks = [np.pad(picture[y:y + edge, x:x + edge], ((0, max(0, edge - (height - y))), (0, max(0, edge - (width - x))), (0, 0)), "edge")[:edge, :edge]
                  for y in range(0, height, edge) for x in range(0, width, edge)] if tiled else [picture]
        places = []
        for block in blocks:
            places.append((len(out), block.nbytes))
            out += block.tobytes()
        text = lambda value: (2, value.encode("utf-8") + b"\0")
        longs = lambda *values: (4, struct.pack(f"<{len(values)}I", *values))
        shorts = lambda *values: (3, struct.pack(f"<{len(values)}H", *values))
        tags = {254: longs(1 if number and tiled else 0), 256: longs(width), 257: longs(height), 258: shorts(8, 8, 8), 259: shorts(1), 262: shorts(2), 277: shorts(3), 284: shorts(1), 282: (5, struct.pack("<II", 20000, 1)),
                283: (5, struct.pack("<II", 20000, 1)), 296: shorts(3), 269: text(ALL), 270: text(description), 271: text("欧阳甄仁"), 272: text("Quartermain"), 285: text(ALL), 305: text("ZY0098765"), 306: text("1961:03:07 00:00:00"),
                315: text("Zebulon Quartermain"), 316: text("quasar street"), 33432: text(ALL), 700: (1, ALL.encode("utf-8")), 65000: text(ALL)}
        if tiled:
            tags.update({322: longs(edge), 323: longs(edge), 324: longs(*[p for p, _ in places]), 325: longs(*[n for _, n in places])})
        else:
            tags.update({273: longs(places[0][0]), 278: longs(height), 279: longs(places[0][1])})
        entries = b""
        for tag in sorted(tags):
            kind, value = tags[tag]
            count = len(value) // {1: 1, 2: 1, 3: 2, 4: 4, 5: 8}[kind]
            if len(value) > 4:
                at = len(out)
                out += value + b"\0" * (len(value) % 2)
                value = struct.pack("<I", at)
            entries += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
        out += b"\0" * (len(out) % 2)
        struct.pack_into("<I", out, link, len(out))
        out += struct.pack("<H", len(tags)) + entries
        link = len(out)
        out += b"\0\0\0\0"
    path.write_bytes(bytes(out)[:cut])
