#!/usr/bin/env node
// generate.mjs --out DIR [--seed N] [--count N] [--fork 4|6] [--sweep N]: writes batches of random programs with the state
// after them as an independent EVM (@ethereumjs/vm, Berlin with meaning.mjs) sees it, in the form that `zkprover vectors`
// runs. --sweep makes each batch N more times, its last transaction with the gas limit at which one of its instructions can
// just be paid, or one less or more, so that running out of gas meets every instruction.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Common, Hardfork, Mainnet, createCustomCommon } from '@ethereumjs/common';
import { RLP } from '@ethereumjs/rlp';
import { createLegacyTx } from '@ethereumjs/tx';
import { Account, bigIntToUnpaddedBytes, bytesToHex, createAddressFromString, hexToBytes, privateToAddress,
  setLengthLeft } from '@ethereumjs/util';
import { createBlock } from '@ethereumjs/block';
import { SimpleStateManager } from '@ethereumjs/statemanager';
import { createEVM } from '@ethereumjs/evm';
import { createVM, runTx } from '@ethereumjs/vm';
import { customOpcodes, customPrecompiles } from './meaning.mjs';
import { Random, initCode, program } from './program.mjs';

const { values: args } = parseArgs({
  options: {
    out: { type: 'string' },
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '100' },
    fork: { type: 'string', default: '6' },
    sweep: { type: 'string', default: '0' },
  },
});
if (!args.out) {
  console.error('usage: generate.mjs --out DIR [--seed N] [--count N] [--fork 4|6] [--sweep N]');
  process.exit(2);
}
const fork = Number(args.fork);
const CHAIN_ID = 1000;
const TIMESTAMP = 1944498031;
const SEQUENCER = '0x617b3a3528f9cdd6630fd3301b9c8911f7bf063d';

function makeCommon() {
  // EIP-3541 (0xEF) and EIP-3607 (sender code) came after Berlin but hold in the zkEVM; PUSH0 from fork 5
  return createCustomCommon({ chainId: CHAIN_ID, name: 'zkevm' }, Mainnet, {
    hardfork: Hardfork.Berlin,
    eips: fork >= 5 ? [3541, 3607, 3855] : [3541, 3607],
  });
}

const PRICES = [0n, 10n ** 9n, 10n ** 13n, 10n ** 15n, 1n << 200n];

const hex = (bytes) => bytesToHex(bytes).slice(2);
const word = (n) => '0x' + n.toString(16).padStart(64, '0');

function batchForm(tx, percentage) {
  const list = RLP.encode([
    bigIntToUnpaddedBytes(tx.nonce), bigIntToUnpaddedBytes(tx.gasPrice), bigIntToUnpaddedBytes(tx.gasLimit),
    tx.to ? tx.to.bytes : new Uint8Array(0), bigIntToUnpaddedBytes(tx.value), tx.data,
    bigIntToUnpaddedBytes(BigInt(CHAIN_ID)), new Uint8Array(0), new Uint8Array(0),
  ]);
  const v = Number(tx.v) - (35 + 2 * CHAIN_ID) + 27;
  return hex(list) + tx.r.toString(16).padStart(64, '0') + tx.s.toString(16).padStart(64, '0') +
    v.toString(16).padStart(2, '0') + (fork >= 5 ? percentage.toString(16).padStart(2, '0') : '');
}

/** limit: the gas limit of the last transaction, if not a random one. Returns also, as `thresholds`, the limits at which an
 * instruction of the last transaction's own frame, or of a frame below it, could just be paid. */
async function makeCase(seed, limit) {
  const random = new Random(seed);
  const common = makeCommon();
  const stateManager = new SimpleStateManager({ common });
  const evm = await createEVM({
    common,
    stateManager,
    customOpcodes: customOpcodes(common, fork),
    customPrecompiles: customPrecompiles(),
  });
  const vm = await createVM({ common, stateManager, evm });

  const keys = [1, 2].map((i) => setLengthLeft(bigIntToUnpaddedBytes(BigInt(seed) * 16n + BigInt(i)), 32));
  const senders = keys.map((k) => bytesToHex(privateToAddress(k)));
  const contracts = Array.from({ length: 2 + random.below(4) }, () => bytesToHex(random.bytes(20)));
  const callees = [...contracts, ...contracts, ...senders, SEQUENCER, bytesToHex(random.bytes(20)),
    '0x' + '00'.repeat(19) + '01', '0x' + '00'.repeat(19) + '04', '0x' + '00'.repeat(20),
    // fork 4 keeps the return data of the call before: RETURNDATASIZE would differ
    ...(fork >= 5 ? ['02', '03', '05', '06', '07', '08', '09'].slice(random.below(7)).slice(0, 2) : [])
      .map((n) => '0x' + '00'.repeat(19) + n)].map((a) => a.slice(2));

  const genesis = [];
  const touched = new Map(); // address -> set of slots
  const note = (address, slot) => {
    if (!touched.has(address)) touched.set(address, new Set());
    if (slot !== undefined) touched.get(address).add(slot);
  };
  for (const address of senders) {
    await stateManager.putAccount(createAddressFromString(address), new Account(0n, 10n ** 20n));
    genesis.push({ address, nonce: '0', balance: (10n ** 20n).toString() });
    note(address);
  }
  note(SEQUENCER);
  for (const address of contracts) {
    const a = createAddressFromString(address);
    const code = program(random, callees, fork, 4 + random.below(40));
    const balance = BigInt(random.below(2000));
    await stateManager.putAccount(a, new Account(1n, balance));
    await stateManager.putCode(a, code);
    const storage = {};
    for (let slot = 0; slot < 4; slot++) {
      const value = random.below(3);
      if (!value) continue;
      await stateManager.putStorage(a, hexToBytes(word(slot)), Uint8Array.from([value]));
      storage[word(slot)] = word(value);
      note(address, word(slot));
    }
    genesis.push({ address, nonce: '1', balance: balance.toString(), bytecode: bytesToHex(code), storage });
    note(address);
  }

  const thresholds = [];
  let current; // gas limit of the running transaction
  vm.evm.events.on('step', (_, next) => next?.()); // without a listener there are no steps
  evm.onStep = (state, gasLeft) => {
    // exact in the transaction's own frame; below it a place to begin with
    thresholds.push(Number(current - gasLeft));
    if (state.opCode === 0x55 && state.stack.length > 0)
      note(state.interpreter.getAddress().toString(), word(state.stack.peek(1)[0]));
  };
  vm.evm.events.on('afterMessage', (result, next) => {
    if (result.createdAddress) note(result.createdAddress.toString());
    next?.();
  });

  let data = '';
  const outcomes = [];
  const nonces = [0n, 0n];
  const nTxs = 1 + random.below(4);
  let processed = 0;
  for (let i = 0; i < nTxs; i++) {
    const who = random.below(2);
    const create = random.chance(20);
    const signedPrice = random.chance(80) ? BigInt(1 + random.below(1000)) : random.pick(PRICES);
    const percentage = fork >= 5 && random.chance(30) ? random.pick([0, 1, 127, 128, 254, random.below(256)]) : 255;
    const randomLimit = BigInt(random.pick([60000, 150000, 400000, 1500000])) + BigInt(random.below(5000));
    const last = i === nTxs - 1;
    current = last && limit !== undefined ? BigInt(limit) : randomLimit;
    const fields = {
      nonce: nonces[who],
      gasPrice: signedPrice,
      gasLimit: current,
      to: create ? undefined : random.chance(95) ? random.pick(contracts) : '0x' + random.pick(callees),
      value: random.chance(50) ? 0n : BigInt(random.below(5000)),
      data: create ? initCode(random, callees, fork) : random.bytes(random.below(100)),
    };
    const signed = createLegacyTx(fields, { common }).sign(keys[who]);
    const tx = createLegacyTx({ ...fields, gasPrice: signedPrice * BigInt(percentage + 1) / 256n }, { common }).sign(keys[who]);
    if (last) thresholds.length = 0;
    const block = createBlock({
      header: { number: BigInt(processed + 1), coinbase: SEQUENCER, gasLimit: 30000000n, timestamp: TIMESTAMP, difficulty: 0n },
    }, { common, skipConsensusFormatValidation: true });
    data += batchForm(signed, percentage);
    try {
      const result = await runTx(vm, { tx, block, skipHardForkValidation: true });
      processed++;
      nonces[who]++;
      if (tx.to) note(tx.to.toString());
      outcomes.push({ gasUsed: result.totalGasSpent.toString(), error: result.execResult.exceptionError?.error ?? '' });
    } catch (e) {
      if (!/upfront|gas limit|base fee|intrinsic|MAX_INTEGER|sender doesn't have enough/i.test(e.message)) throw e;
      outcomes.push({ gasUsed: '0', error: 'skipped: ' + e.message.slice(0, 40) });
    }
  }

  const leafs = {};
  for (const [address, slots] of touched) {
    const a = createAddressFromString(address);
    const account = await stateManager.getAccount(a);
    const storage = {};
    for (const slot of slots) {
      const value = await stateManager.getStorage(a, hexToBytes(slot));
      storage[slot] = '0x' + hex(setLengthLeft(value, 32));
    }
    leafs[address] = {
      balance: (account?.balance ?? 0n).toString(),
      nonce: (account?.nonce ?? 0n).toString(),
      storage: Object.keys(storage).length ? storage : null,
      bytecodeLength: (await stateManager.getCode(a)).length,
    };
  }
  return {
    id: seed,
    description: `random programs, seed ${seed}`,
    forkID: fork,
    chainID: CHAIN_ID,
    sequencerAddress: SEQUENCER,
    timestamp: TIMESTAMP,
    globalExitRoot: word(0),
    oldAccInputHash: word(0),
    genesis,
    batchL2Data: '0x' + data,
    expectedNewLeafs: leafs,
    outcomes,
    thresholds,
  };
}

const dir = join(args.out, 'state-transition', `fork${fork}`, 'random');
mkdirSync(dir, { recursive: true });
const first = Number(args.seed);
const kinds = new Map();

function write(name, made) {
  const { thresholds, ...rest } = made;
  for (const o of made.outcomes) kinds.set(o.error, (kinds.get(o.error) ?? 0) + 1);
  writeFileSync(join(dir, `${name}.json`), JSON.stringify(rest, null, 1) + '\n');
  return thresholds;
}

for (let seed = first; seed < first + Number(args.count); seed++) {
  const thresholds = write(`random_${seed}`, await makeCase(seed));
  const pick = new Random(seed + 0x5eed);
  for (let i = 0; i < Number(args.sweep) && thresholds.length > 0; i++) {
    const limit = pick.pick(thresholds) + pick.below(7) - 3;
    if (limit > 0) write(`random_${seed}_limit_${limit}`, await makeCase(seed, limit));
  }
}
console.log([...kinds].map(([k, n]) => `${n} ${k || 'ok'}`).join(', '));
