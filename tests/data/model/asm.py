"""An assembler for EVM programs, and RLP.

One program is a text: words separated by white space, `;` starts a comment.
    ADD            an opcode by name
    7  0x1f        the shortest PUSH of a number (PUSH1 0x00 for zero: forks before 5 have no PUSH0)
    name:          JUMPDEST with a name
    @name          PUSH2 of that place (or of a name given to assemble)
    #name          the raw bytes given under that name, as data
"""

import re

OPCODES = {}


def _names(start, text):
    for i, name in enumerate(text.split()):
        OPCODES[name] = start + i


_names(0x00, "STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND")
_names(0x10, "LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR")
_names(0x20, "SHA3")
_names(0x30, "ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY CODESIZE CODECOPY GASPRICE"
             " EXTCODESIZE EXTCODECOPY RETURNDATASIZE RETURNDATACOPY EXTCODEHASH")
_names(0x40, "BLOCKHASH COINBASE TIMESTAMP NUMBER DIFFICULTY GASLIMIT CHAINID SELFBALANCE BASEFEE")
_names(0x50, "POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST")
_names(0x5f, "PUSH0")
_names(0x80, " ".join(f"DUP{i}" for i in range(1, 17)))
_names(0x90, " ".join(f"SWAP{i}" for i in range(1, 17)))
_names(0xa0, "LOG0 LOG1 LOG2 LOG3 LOG4")
_names(0xf0, "CREATE CALL CALLCODE RETURN DELEGATECALL CREATE2")
OPCODES.update(STATICCALL=0xfa, REVERT=0xfd, INVALID=0xfe, SELFDESTRUCT=0xff)


def push(n):
    length = max(1, (n.bit_length() + 7) // 8)
    return bytes([0x5f + length]) + n.to_bytes(length, "big")


def assemble(text, **given):
    """given: name -> int (for @name) or bytes (for #name)."""
    out, places, uses = bytearray(), {}, []
    for word in re.sub(r";[^\n]*", " ", text).split():
        if word in OPCODES:
            out.append(OPCODES[word])
        elif re.fullmatch(r"0x[0-9a-fA-F]+|\d+", word):
            out += push(int(word, 0))
        elif word.endswith(":"):
            assert word[:-1] not in places, f"the name {word[:-1]} stands twice"
            places[word[:-1]] = len(out)
            out.append(OPCODES["JUMPDEST"])
        elif word.startswith("@"):
            uses.append((len(out) + 1, word[1:]))
            out += b"\x61\x00\x00"
        elif word.startswith("#"):
            places[word[1:]] = len(out)
            out += given[word[1:]]
        else:
            raise ValueError(f"'{word}' is no opcode, number, name: or @name")
    for at, name in uses:
        value = places[name] if name in places else given[name]
        out[at:at + 2] = value.to_bytes(2, "big")
    return bytes(out)


def init_code(runtime, constructor=""):
    """Code that runs the constructor and then deploys the runtime."""
    return assemble(constructor + " @size @runtime 0 CODECOPY @size 0 RETURN #runtime", size=len(runtime), runtime=runtime)


def revert_with(reason):
    """Assembly that reverts with Error(string) for a reason of at most 32 bytes."""
    raw = reason.encode()
    assert len(raw) <= 32
    head = bytes.fromhex("08c379a0") + bytes(28)
    return (f" 0x{head.hex()} 0 MSTORE 32 4 MSTORE {len(raw)} 36 MSTORE"
            f" 0x{raw.ljust(32, bytes(1)).hex()} 68 MSTORE 100 0 REVERT ")


# --- RLP --------------------------------------------------------------------------------------------------------------

def _rlp_head(base, length):
    if length < 56:
        return bytes([base + length])
    n = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([base + 55 + len(n)]) + n


def rlp(item):
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, (list, tuple)):
        body = b"".join(map(rlp, item))
        return _rlp_head(0xc0, len(body)) + body
    if len(item) == 1 and item[0] < 0x80:
        return bytes(item)
    return _rlp_head(0x80, len(item)) + bytes(item)
