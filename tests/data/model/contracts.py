"""The contracts of the test batches, in assembly."""

from .asm import assemble, init_code, revert_with
from .hashes import keccak

TRANSFER_TOPIC = "0x" + keccak(b"Transfer(address,address,uint256)").hex()
SUPPLY = 1_000_000 * 10**18

# A token with the three calls that a transfer needs: slot 0 is the mapping of balances.
ERC20 = assemble("""
    0 CALLDATALOAD 0xe0 SHR
    DUP1 0xa9059cbb EQ @transfer JUMPI
    DUP1 0x70a08231 EQ @balanceOf JUMPI
    0 0 REVERT

transfer:
    CALLER 0 MSTORE  64 0 SHA3              ; selector from_slot   (the second word of memory is still 0)
    DUP1 SLOAD                              ; selector from_slot balance
    36 CALLDATALOAD                         ; selector from_slot balance amount
    DUP2 DUP2 GT @too_low JUMPI
    SWAP1 DUP2 SWAP1 SUB                    ; selector from_slot amount rest
    DUP3 SSTORE SWAP1 POP                   ; selector amount
    4 CALLDATALOAD 0 MSTORE  64 0 SHA3      ; selector amount to_slot
    DUP1 SLOAD DUP3 ADD SWAP1 SSTORE        ; selector amount
    0 MSTORE
    4 CALLDATALOAD CALLER """ + TRANSFER_TOPIC + """ 32 0 LOG3
    1 0 MSTORE 32 0 RETURN

balanceOf:
    4 CALLDATALOAD 0 MSTORE  64 0 SHA3 SLOAD
    0 MSTORE 32 0 RETURN

too_low:
""" + revert_with("balance too low"))

# The deployer owns the whole supply.
ERC20_INIT = init_code(ERC20, f"""
    {SUPPLY} CALLER 0 MSTORE 64 0 SHA3 SSTORE
    {SUPPLY} 0 MSTORE  CALLER 0 {TRANSFER_TOPIC} 32 0 LOG3
""")


def erc20_transfer(to, amount):
    return keccak(b"transfer(address,uint256)")[:4] + to.rjust(32, b"\0") + amount.to_bytes(32, "big")


def erc20_balance_of(who):
    return keccak(b"balanceOf(address)")[:4] + who.rjust(32, b"\0")


# count(n, clear): slot i += i for i = n..1 (or all to 0), then slot 0 += 1.
COUNTER = assemble("""
    0 CALLDATALOAD
loop:
    DUP1 ISZERO @done JUMPI
    DUP1 SLOAD DUP2 ADD  32 CALLDATALOAD ISZERO MUL  DUP2 SSTORE
    1 SWAP1 SUB @loop JUMP
done:
    0 SLOAD 1 ADD 0 SSTORE STOP
""")

# Writes, logs, then takes it all back.
REVERTER = assemble("1 0 SSTORE 32 0 LOG0 " + revert_with("reverted on purpose"))

# Calls an address (first word) and keeps the result in slot 0, the length of what came back in slot 1.
CALLER = assemble("""
    0 0 0 0 0  0 CALLDATALOAD GAS CALL
    0 SSTORE RETURNDATASIZE 1 SSTORE STOP
""")

INVALID = assemble("1 0 SSTORE INVALID")

# Five logs with 0 to 4 topics; the first has no data, the others a growing part of the memory.
LOGGER = assemble("""
    0x""" + bytes(range(1, 33)).hex() + """ 0 MSTORE  CALLER 32 MSTORE
    0 0 LOG0
    0xa1 5 0 LOG1
    0xa2 0xa1 32 0 LOG2
    0xa3 0xa2 0xa1 33 0 LOG3
    0xa4 0xa3 0xa2 0xa1 64 0 LOG4
    STOP
""")

# ecrecover (slots 0, 1) and identity (2, 3) on the call data, then SHA-256, which is not supported (4, 5).
PRECOMPILES = assemble("""
    CALLDATASIZE 0 0 CALLDATACOPY
    32 0x100 128 0 0 1 GAS CALL  0 SSTORE  0x100 MLOAD 1 SSTORE
    32 0x120  32 0 0 4 GAS CALL  2 SSTORE  0x120 MLOAD 3 SSTORE
    32 0x140  32 0 0 2 GAS CALL  4 SSTORE  RETURNDATASIZE 5 SSTORE
    STOP
""")

# PUSH0 exists from fork 5.
PUSH0 = assemble("7 PUSH0 SSTORE STOP")

CHILD = assemble("CALLER 0 MSTORE 32 0 RETURN")
CHILD_INIT = init_code(CHILD)
# CREATE2 with the salt of the call data (address in slot 0, its EXTCODEHASH in 1), then CREATE (2).
FACTORY = assemble("""
    @size @child 0 CODECOPY
    0 CALLDATALOAD @size 0 0 CREATE2
    DUP1 0 SSTORE  EXTCODEHASH 1 SSTORE
    @size 0 0 CREATE 2 SSTORE
    STOP #child
""", size=len(CHILD_INIT), child=CHILD_INIT)

# Hashes n times: the cheapest way to run out of Keccak blocks.
HASHER = assemble("""
    0 CALLDATALOAD
loop:
    DUP1 ISZERO @done JUMPI
    DUP1 0 MSTORE 32 0 SHA3 POP
    1 SWAP1 SUB @loop JUMP
done:
    STOP
""")
