"""Requests as they go over the wire, and those that two servers might read in two ways."""

HOST = b" HTTP/1.1\r\nHost: x\r\n"
GET, POST = b"GET /?first" + HOST, b"POST /?first" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
SMUGGLED = b"GET /?smuggled" + HOST + b"\r\n"

_LENGTHS = (b"+1", b"1,1", b"1 1", b"0x1", b"-1", b"1_0", b"", b"1" * 40)
_CODINGS = (
    *(b"\r\n chunked", b"chunked\r\n ", b"chunked, chunked", b"chunked, identity", b"identity", b"xchunked", b"chunked;a=b"),
    *(b'"chunked"', b"\x0bchunked", b"", b"chunked\r\nTransfer-Encoding: chunked", b"chunked\r\nTransfer-Encoding: identity"),
)
AMBIGUITIES = (
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    *(POST + b"Content-Length: " + value + b"\r\n\r\na" for value in _LENGTHS),
    *(POST + b"Transfer-Encoding: " + value + b"\r\n\r\n0\r\n\r\n" for value in _CODINGS),
    POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length : 0\r\n\r\n",
    GET + b" X: folded\r\n\r\n",
    GET + b"X: a\r\n folded\r\n\r\n",
    GET + b"X: a\nY: b\r\n\r\n",
    GET + b"X: a\rY: b\r\n\r\n",
    b"GET / HTTP/1.1\nHost: x\n\n",
    GET + b"X: a\x00b\r\n\r\n",
    GET + b"X: a\x01b\r\n\r\n",
    GET + b"X\x00: a\r\n\r\n",
    GET + b"X\xe9: a\r\n\r\n",
    GET + b": a\r\n\r\n",
    GET + b"no colon\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / a HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
    b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n",
    CHUNKED + b"ffffffffffffffffff\r\na",
    CHUNKED + b"10000000000000001\r\na\r\n0\r\n\r\n",
    *(CHUNKED + size + b"\r\na\r\n0\r\n\r\n" for size in (b"0x1", b"+1", b"-1", b"", b" 1", b"1 ", b"g", b"1\n", b"1;\x00")),
    CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    CHUNKED + b"1\na\r\n0\r\n\r\n",
    CHUNKED + b"1\r\na\n0\r\n\r\n",
    CHUNKED + b"1\r\na\r\n0\r\nX: a\x00b\r\n\r\n",
    CHUNKED + b"1\r\na\r\n0\r\nX : a\r\n\r\n",
)
