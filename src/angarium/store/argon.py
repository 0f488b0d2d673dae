"""argon2id (RFC 9106) over memory that stays.

What it fills, 7 MiB for each password, is more than the allocator keeps: each time it would be mapped, faulted in page
by page, perhaps locked, and given back, which takes longer than the function itself. Here the next password uses the
block again. The library overwrites it with zeros before it hands it back.
"""

from argon2.low_level import ARGON2_VERSION, Type, core, error_to_str, ffi

__all__ = ["argon2id"]

_OK = 0
_free: dict[int, list[object]] = {}
"""Blocks nobody uses, by their size. As many as were ever in use at a time."""
_used: dict[int, tuple[int, object]] = {}
"""By address: size and block."""


@ffi.callback("int(uint8_t **, size_t)")
def _allocate(memory, size):  # type: ignore[no-untyped-def]
    blocks = _free.setdefault(size, [])
    block = blocks.pop() if blocks else ffi.new("uint8_t[]", size)
    address = ffi.cast("uint8_t *", block)
    _used[int(ffi.cast("uintptr_t", address))] = size, block
    memory[0] = address
    return _OK


@ffi.callback("void(uint8_t *, size_t)")
def _release(memory, size):  # type: ignore[no-untyped-def]
    size, block = _used.pop(int(ffi.cast("uintptr_t", memory)))
    _free[size].append(block)


def argon2id(secret: bytes, salt: bytes, *, memory: int, length: int = 32) -> bytes:
    """So many octets from a secret and a salt: one pass over `memory` KiB in one lane. Runs outside the interpreter.

    Raises:
        ValueError: the library refuses the parameters; its words.
    """
    out = ffi.new("uint8_t[]", length)
    secret_octets, salt_octets = ffi.new("uint8_t[]", secret), ffi.new("uint8_t[]", salt)
    context = ffi.new("argon2_context *")
    context.out, context.outlen = out, length
    context.pwd, context.pwdlen = secret_octets, len(secret)
    context.salt, context.saltlen = salt_octets, len(salt)
    context.t_cost, context.m_cost, context.lanes, context.threads = 1, memory, 1, 1
    context.version = ARGON2_VERSION
    context.allocate_cbk, context.free_cbk = _allocate, _release
    if (code := core(context, Type.ID.value)) != _OK:
        raise ValueError(error_to_str(code))
    return bytes(ffi.buffer(out, length))
