#!/usr/bin/python3
"""Makes the damaged captures of this folder out of a sound fixture."""
import gzip
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "fixtures", "version-mismatch", "yes-server-knows-only-tls10.pcap")


def write(name, data):
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(data)


def block(kind, body):
    """A pcapng block with both of its lengths."""
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


with open(SOURCE, "rb") as f:
    good = f.read()
offsets, at = [], 24
while at < len(good):
    offsets.append(at)
    at += 16 + struct.unpack_from("<I", good, at + 8)[0]

write("empty.pcap", b"")
write("text.pcap", b"This is a note that somebody saved under the wrong name.\n")
write("header-only.pcap", good[:24])
# what a killed tcpdump leaves: the last packet is not whole
write("cut-in-a-packet.pcap", good[:-20])
# the length of the packet after the alert says two gigabytes
lying = bytearray(good)
struct.pack_into("<I", lying, offsets[6] + 8, 0x7FFFFFFF)
write("lying-caplen.pcap", bytes(lying))
# mtime 0, so that the same bytes come out again
write("cut-in-gzip.pcap.gz", gzip.compress(good, mtime=0)[:-60])

section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
interface = block(1, struct.pack("<HHI", 1, 0, 0))
packets = []
for offset in offsets:
    seconds, micros, caplen, length = struct.unpack_from("<IIII", good, offset)
    when = seconds * 1_000_000 + micros
    packets.append(block(6, struct.pack("<IIIII", 0, when >> 32, when & 0xFFFFFFFF, caplen, length) + good[offset + 16:offset + 16 + caplen]))
broken = bytearray(packets[6])
# not a multiple of four, and not what stands at its end
struct.pack_into("<I", broken, 4, 0x00000007)
write("bad-block.pcapng", section + interface + b"".join(packets[:6]) + bytes(broken) + b"".join(packets[7:]))
