"""The load source of `floors/blast`, over TLS: the same bytes, as fast as the socket takes them, on CPU 1.

usage: python tls_blast.py PORT CERTIFICATE KEY BLAST   (BLAST: the address of a `floors/blast`, whose bytes are sent)
"""
import base64
import hashlib
import os
import re
import socket
import ssl
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
#: Messages that the source repeats.
PERIOD = 320


def period(port):
    """the frames of one period of the source's blast"""
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall(REQUEST)
        data = b""
        while len(data) < 1 << 18:
            data += s.recv(1 << 16)
    data = data.split(b"\r\n\r\n", 1)[1]
    end = 0
    for _ in range(PERIOD):
        length = data[end + 1]
        end += 2 + length if length < 126 else 4 + int.from_bytes(data[end + 2:end + 4], "big")
    return data[:end]


def main(port, certificate, key, blast):
    os.sched_setaffinity(0, {1})
    frames = period(int(blast))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        while True:
            raw, _ = listener.accept()
            try:
                with context.wrap_socket(raw, server_side=True) as s:
                    request = b""
                    while b"\r\n\r\n" not in request:
                        request += s.recv(4096)
                    name = re.search(rb"(?i)sec-websocket-key: *(\S+)", request).group(1)
                    accept = base64.b64encode(hashlib.sha1(name + GUID).digest())
                    s.sendall(
                        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
                    )
                    while True:
                        s.sendall(frames)
            except OSError:
                pass


if __name__ == "__main__":
    main(*sys.argv[1:])
