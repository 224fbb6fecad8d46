#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
sockets.py CASE...

Tries each case, and prints it with how it ended: "ok" or the name of an error. A case is one of

	socket FAMILY TYPE PROTOCOL	socket(2); names without AF_ and SOCK_, or numbers
	wide FAMILY TYPE PROTOCOL	the same, with bits in the upper half of FAMILY's register, which the kernel ignores
	pair FAMILY TYPE PROTOCOL	the same by socketpair(2)
	socketcall FAMILY TYPE PROTOCOL	the same by the 32-bit socketcall(2), on x86 only, as the three that follow
	socket32 FAMILY TYPE PROTOCOL	the same by the 32-bit socket(2)
	socketx32 FAMILY TYPE PROTOCOL	the same by that of the x32 ABI
	io_uring32			as io_uring, by the 32-bit call
	tcp_socketcall ADDRESS PORT	connect by the 32-bit socketcall(2)
	tcp ADDRESS PORT		connect
	fastopen ADDRESS PORT		connect by sending, with MSG_FASTOPEN
	udp ADDRESS PORT		connect and send
	aim ADDRESS PORT		connect a datagram socket, and send nothing
	sendto ADDRESS PORT		send without connecting
	sendmmsg ADDRESS PORT		the same, two at once
	reconnected ADDRESS PORT	send elsewhere than where it was connected, port 53
	connected_again ADDRESS PORT	the same, connected there by then
	loosened ADDRESS PORT		the same, disconnected before
	mixed ADDRESS PORT		send to an IPv4 address, as such, by an IPv6 socket
	large ADDRESS PORT		send without connecting, more than fits into a packet
	headed TYPE HEADER ADDRESS PORT	connect and send, with one of HEADERS between IP and the transport
	along HEADER ADDRESS PORT	send without connecting, with such a header for this datagram only
	disconnected ADDRESS PORT	connect to port 80, disconnect, connect there
	accepted ADDRESS PORT		disconnect a socket that accept(2) made on the loopback, connect there
	device DEVICE ADDRESS PORT	connect, bound to a network device
	transparent ADDRESS PORT	connect from an address that is not there
	foreign FROM ADDRESS PORT	send from that address, which need not be there
	bound FROM ADDRESS PORT		connect from that address and read to the end: "N bytes"
	routed ADDRESS PORT		connect with a source route
	original ADDRESS PORT		connect, and ask for the destination that a packet filter translated
	ring ADDRESS PORT		connect by io_uring
	ring_send ADDRESS PORT		send by io_uring
	ring_socket FAMILY TYPE PROTOCOL	as socket, by io_uring
	join GROUP DEVICE		become a member of a multicast group
	join32 GROUP DEVICE		the same by the 32-bit setsockopt(2), on x86 only, as the two with these numbers below
	option FAMILY TYPE LEVEL NAME	setsockopt(2), with numbers for level and name, and 512 zeros
	option32 FAMILY TYPE LEVEL NAME	the same by the 32-bit setsockopt(2)
	optionx32 FAMILY TYPE LEVEL NAME	the same by that of the x32 ABI
	bind TYPE ADDRESS PORT
	loopback ADDRESS PORT		listen there, connect to it and say hello
	io_uring
	request_key			ask the kernel for a key that is not there
	request_key32			the same by the 32-bit call

An IPv4 address in its IPv6 spelling (::ffff:a.b.c.d) goes by an IPv6 socket; an IPv6 address may have a scope.
"""

import ctypes
import errno
import mmap
import os
import platform
import socket
import struct
import sys

# Seconds; what is refused is refused at once.
PATIENCE = float(os.environ.get("PATIENCE", 10))
SYS_IO_URING_SETUP, SYS_IO_URING_ENTER = 425, 426
IORING_OP_SENDMSG, IORING_OP_CONNECT, IORING_OP_SOCKET, IORING_ENTER_GETEVENTS = 9, 16, 45, 1
IP_TRANSPARENT, IPV6_FREEBIND = 19, 78
SOURCE_ROUTE = b"\x01\x83\x07\x04" + bytes((11, 0, 0, 53))  # loose, RFC 791
MSG_FASTOPEN = 0x20000000
SO_ORIGINAL_DST = 80
# Name: option of a socket, and its value. The padding of an extension header is an option
# of the kind 1 (RFC 8200).
PADDING = b"\0\0\x01\x04\0\0\0\0"
HEADERS = {
    "nop": (socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x01\x01\x01\x01"),
    "loose": (socket.IPPROTO_IP, socket.IP_OPTIONS, SOURCE_ROUTE),
    "strict": (socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x01\x89" + SOURCE_ROUTE[2:]),
    "hop": (socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, PADDING),
    "destination": (socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, PADDING),
    # By way of another, which is to send it on: type 2 (RFC 6275), and segments (RFC 8754).
    "home": (socket.IPPROTO_IPV6, socket.IPV6_RTHDR,
             b"\0\x02\x02\x01" + bytes(4) + socket.inet_pton(socket.AF_INET6, "2600:1::53")),
    "segments": (socket.IPPROTO_IPV6, socket.IPV6_RTHDR,
                 b"\0\x04\x04\x01\x01" + bytes(19) + socket.inet_pton(socket.AF_INET6, "2600:1::53")),
}
MAP_32BIT, SYS_SOCKETCALL, SYS_SOCKET, SYS_CONNECT, SYS_SOCKET32, SYS_SOCKETX32 = 0x40, 102, 1, 3, 359, 0x40000029
SYS_REQUEST_KEY32, SYS_SETSOCKOPT32, SYS_SETSOCKOPTX32 = 287, 366, 0x4000021d
# push %rbx; mov %edi, %eax; mov %esi, %ebx; xchg %edx, %ecx; mov %r8d, %esi; mov %r9d,
# %edi; int $0x80; pop %rbx; ret
CALL32 = bytes.fromhex("5389f889f387d14489c64489cfcd805bc3")
libc = ctypes.CDLL(None, use_errno=True)


class IoVector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("name_length", ctypes.c_uint32),
                ("vectors", ctypes.POINTER(IoVector)), ("vector_count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int), ("sent", ctypes.c_uint)]


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def number(prefix, name):
    return int(name) if name.isdigit() else getattr(socket, prefix + name)


def make(kind, address):
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    made.settimeout(PATIENCE)
    return made


def packed(address, port):
    if ":" in address:
        address, _, scope = address.partition("%")
        return (socket.AF_INET6.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + bytes(4) +
                socket.inet_pton(socket.AF_INET6, address) + int(scope or 0).to_bytes(4, sys.byteorder))
    return (socket.AF_INET.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") +
            socket.inet_aton(address) + bytes(8))


def try_socket(family, kind, protocol):
    socket.socket(number("AF_", family), number("SOCK_", kind), int(protocol))


def try_wide(family, kind, protocol):
    number_of_call = 198 if platform.machine() == "aarch64" else 41
    check(libc.syscall(number_of_call, ctypes.c_long(1 << 32 | number("AF_", family)),
                       number("SOCK_", kind), int(protocol)))


def try_pair(family, kind, protocol):
    socket.socketpair(number("AF_", family), number("SOCK_", kind), int(protocol))


def by_call32(number_of_call, *arguments, memory=b""):
    """Makes a call as a 32-bit program. An argument that is None is the address of the memory."""
    low = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT, prot=7)
    start = ctypes.addressof(ctypes.c_char.from_buffer(low))
    low[:len(CALL32)] = CALL32
    low[64:64 + len(memory)] = memory
    given = [start + 64 if one is None else one for one in arguments]
    result = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 6)(start)(number_of_call, *given, *[0] * (5 - len(given)))
    if result < 0:
        raise OSError(-result, "")
    return result


def try_socketcall(family, kind, protocol):
    by_call32(SYS_SOCKETCALL, SYS_SOCKET, None,
              memory=struct.pack("3I", number("AF_", family), number("SOCK_", kind), int(protocol)))


def try_socket32(family, kind, protocol):
    by_call32(SYS_SOCKET32, number("AF_", family), number("SOCK_", kind), int(protocol))


def try_socketx32(family, kind, protocol):
    check(libc.syscall(SYS_SOCKETX32, number("AF_", family), number("SOCK_", kind), int(protocol)))


def try_io_uring32():
    by_call32(SYS_IO_URING_SETUP, 1, None)


def try_request_key32():
    by_call32(SYS_REQUEST_KEY32, None, None, memory=b"user\0")


def try_tcp_socketcall(address, port):
    made, name = make(socket.SOCK_STREAM, address), packed(address, int(port))
    made.setblocking(True)
    low = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_32BIT)
    low[:len(name)] = name
    start = ctypes.addressof(ctypes.c_char.from_buffer(low))
    by_call32(SYS_SOCKETCALL, SYS_CONNECT, None, memory=struct.pack("3I", made.fileno(), start, len(name)))


def try_tcp(address, port):
    make(socket.SOCK_STREAM, address).connect((address, int(port)))


def try_fastopen(address, port):
    make(socket.SOCK_STREAM, address).sendto(b"leak", MSG_FASTOPEN, (address, int(port)))


def try_udp(address, port):
    made = make(socket.SOCK_DGRAM, address)
    made.connect((address, int(port)))
    made.send(b"leak")


def try_aim(address, port):
    made = make(socket.SOCK_DGRAM, address)
    made.connect((address, int(port)))
    if made.getsockname()[1] == 0:
        raise OSError(errno.EADDRNOTAVAIL, "")


def try_sendto(address, port):
    make(socket.SOCK_DGRAM, address).sendto(b"leak", (address, int(port)))


def try_sendmmsg(address, port):
    name, vector = packed(address, int(port)), IoVector(b"leak", 4)
    one = (name, len(name), ctypes.pointer(vector), 1, None, 0, 0, 0)
    made = make(socket.SOCK_DGRAM, address)
    check(libc.sendmmsg(made.fileno(), (Message * 2)(one, one), 2, 0))


def try_reconnected(address, port):
    made = make(socket.SOCK_DGRAM, address)
    made.connect((address, 53))
    made.sendto(b"leak", (address, int(port)))


def disconnect(made):
    check(libc.connect(made.fileno(), bytes(16), 16))  # AF_UNSPEC


def try_connected_again(address, port):
    made = make(socket.SOCK_DGRAM, address)
    made.connect((address, 53))
    made.connect((address, int(port)))
    made.send(b"leak")


def try_loosened(address, port):
    made = make(socket.SOCK_DGRAM, address)
    made.connect((address, 53))
    disconnect(made)
    made.sendto(b"leak", (address, int(port)))


def try_mixed(address, port):
    made, name = make(socket.SOCK_DGRAM, "::"), packed(address, int(port))
    check(libc.sendto(made.fileno(), b"leak", 4, 0, name, len(name)))


def try_large(address, port):
    make(socket.SOCK_DGRAM, address).sendto(b"leak" * 1000, (address, int(port)))


def try_headed(kind, header, address, port):
    made = make(number("SOCK_", kind), address)
    made.setsockopt(*HEADERS[header])
    made.connect((address, int(port)))
    made.send(b"leak")


def try_along(header, address, port):
    level, option, value = HEADERS[header]
    if option == socket.IP_OPTIONS:
        option = socket.IP_RETOPTS
    make(socket.SOCK_DGRAM, address).sendmsg([b"leak"], [(level, option, value)], 0, (address, int(port)))


def try_disconnected(address, port):
    made = make(socket.SOCK_STREAM, address)
    made.connect((address, 80))
    disconnect(made)
    made.connect((address, int(port)))


def try_accepted(address, port):
    listening = socket.create_server(("::1" if ":" in address else "127.0.0.1", 0),
                                     family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    client = make(socket.SOCK_STREAM, address)
    client.connect(listening.getsockname())
    made = listening.accept()[0]
    disconnect(made)
    made.settimeout(PATIENCE)
    made.connect((address, int(port)))


def try_device(device, address, port):
    made = make(socket.SOCK_STREAM, address)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    made.connect((address, int(port)))


def try_transparent(address, port):
    made = make(socket.SOCK_STREAM, address)
    made.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
    made.bind(("11.0.0.99", 0))
    made.connect((address, int(port)))


def try_foreign(source, address, port):
    made = make(socket.SOCK_DGRAM, address)
    made.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    made.bind((source, 0))
    made.sendto(b"leak", (address, int(port)))


def try_bound(source, address, port):
    made = make(socket.SOCK_STREAM, address)
    made.bind((source, 0))
    made.connect((address, int(port)))
    made.sendall(b"GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n")
    return f"{len(b''.join(iter(lambda: made.recv(65536), b'')))} bytes"


def try_routed(address, port):
    made = make(socket.SOCK_STREAM, address)
    made.setsockopt(*HEADERS["loose"])
    made.connect((address, int(port)))


def try_original(address, port):
    made = make(socket.SOCK_STREAM, address)
    made.connect((address, int(port)))
    if made.getpeername()[:2] != (address, int(port)):
        return made.getpeername()
    level = socket.IPPROTO_IPV6 if ":" in address else socket.IPPROTO_IP
    return made.getsockopt(level, SO_ORIGINAL_DST, 28)


def membership(group, device):
    """The option of setsockopt(2) that makes a member of a group, and its value."""
    index = socket.if_nametoindex(device)
    if ":" in group:
        return socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, struct.pack("16sI", socket.inet_pton(socket.AF_INET6, group), index)
    return socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4sI", socket.inet_aton(group), bytes(4), index)


def try_join(group, device):
    make(socket.SOCK_DGRAM, group).setsockopt(*membership(group, device))


def try_join32(group, device):
    made, (level, option, value) = make(socket.SOCK_DGRAM, group), membership(group, device)
    by_call32(SYS_SETSOCKOPT32, made.fileno(), level, option, None, len(value), memory=value)


def try_option(family, kind, level, name):
    socket.socket(number("AF_", family), number("SOCK_", kind)).setsockopt(int(level), int(name), bytes(512))


def try_option32(family, kind, level, name):
    made = socket.socket(number("AF_", family), number("SOCK_", kind))
    by_call32(SYS_SETSOCKOPT32, made.fileno(), int(level), int(name), None, 512)


def try_optionx32(family, kind, level, name):
    made = socket.socket(number("AF_", family), number("SOCK_", kind))
    check(libc.syscall(SYS_SETSOCKOPTX32, made.fileno(), int(level), int(name), bytes(512), 512))


def by_ring(operation, fd, offset, address, length):
    """Does one operation, whose fields are those of struct io_uring_sqe."""
    parameters = ctypes.create_string_buffer(120)
    ring = check(libc.syscall(SYS_IO_URING_SETUP, 1, parameters))
    numbers = struct.unpack("30I", parameters)
    # Struct io_sqring_offsets, io_cqring_offsets.
    queue, results = numbers[10:18], numbers[20:28]
    size = max(queue[6] + 4, results[5] + 32)
    rings = mmap.mmap(ring, size, mmap.MAP_SHARED)
    entries = mmap.mmap(ring, 64, mmap.MAP_SHARED, offset=0x10000000)
    entries[:32] = struct.pack("BBHiQQII", operation, 0, 0, fd, offset, address, length, 0)
    rings[queue[6]:queue[6] + 4] = bytes(4)
    rings[queue[1]:queue[1] + 4] = struct.pack("I", 1)
    check(libc.syscall(SYS_IO_URING_ENTER, ring, 1, 1, IORING_ENTER_GETEVENTS, None, 0))
    result = struct.unpack_from("i", rings, results[5] + 8)[0]
    if result < 0:
        raise OSError(-result, "")


def try_ring(address, port):
    made, name = make(socket.SOCK_STREAM, address), packed(address, int(port))
    made.setblocking(True)
    where = ctypes.create_string_buffer(name)
    by_ring(IORING_OP_CONNECT, made.fileno(), len(name), ctypes.addressof(where), 0)


def try_ring_send(address, port):
    name, vector = packed(address, int(port)), IoVector(b"leak", 4)
    made, message = make(socket.SOCK_DGRAM, address), Message(name, len(name), ctypes.pointer(vector), 1, None, 0, 0, 0)
    by_ring(IORING_OP_SENDMSG, made.fileno(), 0, ctypes.addressof(message), 1)


def try_ring_socket(family, kind, protocol):
    by_ring(IORING_OP_SOCKET, number("AF_", family), number("SOCK_", kind), 0, int(protocol))


def try_bind(kind, address, port):
    make(number("SOCK_", kind), address).bind((address, int(port)))


def try_loopback(address, port):
    listening = make(socket.SOCK_STREAM, address)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((address, int(port)))
    listening.listen()
    client = make(socket.SOCK_STREAM, address)
    client.connect((address, int(port)))
    client.sendall(b"hello")
    if listening.accept()[0].recv(5) != b"hello":
        raise OSError(errno.EPROTO, "")


def try_request_key():
    check(libc.syscall(219 if platform.machine() == "aarch64" else 249, b"user", b"nowhere", None, 0))


def try_io_uring():
    check(libc.syscall(SYS_IO_URING_SETUP, 1, ctypes.create_string_buffer(256)))


def main():
    for case in sys.argv[1:]:
        what, *arguments = case.split()
        try:
            result = globals()["try_" + what](*arguments) or "ok"
        except TimeoutError:
            result = "silence"
        except OSError as error:
            result = errno.errorcode[error.errno]
        print(f"{case}: {result}", flush=True)


if __name__ == "__main__":
    main()
