"""A slow, obvious model of what a batch is made of: hashes, signatures, RLP, the state tree, an EVM assembler.

It shares no code with the C sources, so that a state root on which both agree is more than self-consistent. It does not
execute the EVM. Python 3.9 or newer, standard library only.
"""
