#!/usr/bin/python3
"""Makes the captures of this folder: damaged ones out of a sound fixture, and one of plain HTTP."""
import email.utils
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


def tcp(source, target, flags, seq, ack, payload=b""):
    """An Ethernet frame; checksums are left out, as offloading leaves them out."""
    (source, sport), (target, dport) = source, target
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0x4000, 64, 6, 0, bytes(source), bytes(target))
    return bytes(12) + b"\x08\x00" + ip + struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0) + payload


# two servers that say in plain HTTP what time it is; the capture's clock agrees with them
NOON = 1_795_176_000
SYN, ACK, PSH, FIN = 2, 16, 8, 1
client, frames = (10, 0, 0, 5), []
for number, server in enumerate([(10, 0, 0, 80), (10, 0, 0, 81)]):
    here, there, now = (client, 40_000 + number), (server, 80), NOON + number
    request = b"GET / HTTP/1.1\r\nHost: www.example\r\n\r\n"
    date = email.utils.formatdate(now, usegmt=True).encode()
    answer = b"HTTP/1.1 204 No Content\r\nServer: example\r\nDate: " + date + b"\r\n\r\n"
    for time, frame in [
        (0, tcp(here, there, SYN, 100, 0)),
        (1_000, tcp(there, here, SYN | ACK, 900, 101)),
        (2_000, tcp(here, there, ACK, 101, 901)),
        (3_000, tcp(here, there, PSH | ACK, 101, 901, request)),
        (4_000, tcp(there, here, PSH | ACK, 901, 101 + len(request), answer)),
        (5_000, tcp(here, there, FIN | ACK, 101 + len(request), 901 + len(answer))),
        (6_000, tcp(there, here, FIN | ACK, 901 + len(answer), 102 + len(request))),
        (7_000, tcp(here, there, ACK, 102 + len(request), 902 + len(answer))),
    ]:
        frames.append(struct.pack("<IIII", now, time, len(frame), len(frame)) + frame)
write("two-http-servers.pcap", struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1) + b"".join(frames))
