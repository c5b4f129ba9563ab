// What the zkEVM forks mean by the instructions and precompiles in which they leave Berlin, for @ethereumjs/evm: SENDALL in
// the place of SELFDESTRUCT, jumps without push-data analysis, BLOCKHASH of blocks that do not exist, EXTCODEHASH as far as
// whether it is zero, the precompiles that fail, and the create frames of fork 4 that can read their init code as call data.
import { EVMError, getOpcodesForHF, paramsEVM } from '@ethereumjs/evm';
import { Account, createAddressFromBigInt } from '@ethereumjs/util';

const MASK = (1n << 160n) - 1n;
const NEW_ACCOUNT = 25000n;
const COLD_ACCOUNT = 2600n;

function stop(error) {
  throw new EVMError(error);
}

async function sendAll(runState) {
  const { interpreter, stateManager } = runState;
  const to = createAddressFromBigInt(runState.stack.pop() & MASK);
  if (interpreter.isStatic()) stop(EVMError.errorMessages.STATIC_STATE_CHANGE);
  const self = interpreter.getAddress();
  const own = await stateManager.getAccount(self);
  if (own && own.balance !== 0n && !to.equals(self)) {
    const other = (await stateManager.getAccount(to)) ?? new Account();
    if (other.isEmpty()) interpreter.useGas(NEW_ACCOUNT, 'SENDALL to an empty account');
    // 1 to 9 are always warm; the journal knows them as such
    if (!interpreter.journal.isWarmedAddress(to.bytes)) {
      interpreter.useGas(COLD_ACCOUNT, 'SENDALL to a cold account');
      interpreter.journal.addWarmedAddress(to.bytes);
    }
    other.balance += own.balance;
    own.balance = 0n;
    await interpreter.journal.putAccount(to, other);
    await interpreter.journal.putAccount(self, own);
    interpreter._env.contract.balance = 0n;
  }
  stop(EVMError.errorMessages.STOP);
}

// Every 0x5b is a destination. The package keeps the interpreter to itself, so it is reached by its file; the tables must hold
// what stands at every byte, since any may be met after a jump into a PUSH.
const { Interpreter } = await import(new URL('./node_modules/@ethereumjs/evm/dist/esm/interpreter.js', import.meta.url).href);
Interpreter.prototype._getValidJumpDestinations = function (code) {
  const jumps = code.map((byte) => (byte === 0x5b ? 1 : 0));
  const opcodesCached = Array.from(code, (byte) => this.lookupOpInfo(byte));
  const pushes = {};
  code.forEach((byte, i) => {
    if (byte >= 0x60 && byte <= 0x7f) pushes[i + 1] = number(slice(code, BigInt(i + 1), byte - 0x5f));
  });
  return { jumps, pushes, opcodesCached };
};

// The package's own would copy the memory for each step, also one that is far too large to be paid.
Interpreter.prototype._runStepHook = async function (fee, gasLeft) {
  this._evm.onStep?.(this._runState, gasLeft);
};

function number(bytes) {
  return Array.from(bytes).reduce((n, byte) => (n << 8n) | BigInt(byte), 0n);
}

function slice(data, from, length) {
  const out = new Uint8Array(length);
  if (from < BigInt(data.length)) out.set(data.subarray(Number(from), Number(from) + length));
  return out;
}

export function customOpcodes(common, fork) {
  common.updateParams(paramsEVM);
  const gasOf = getOpcodesForHF(common).dynamicGasHandlers;
  const ops = [
    { opcode: 0xff, opcodeName: 'SENDALL', baseFee: 5000, logicFunction: sendAll },
    {
      // the generator asks for future blocks alone
      opcode: 0x40,
      opcodeName: 'BLOCKHASH',
      baseFee: 20,
      logicFunction: (s) => {
        s.stack.pop();
        s.stack.push(0n);
      },
    },
    {
      // the generator puts ISZERO behind it
      opcode: 0x3f,
      opcodeName: 'EXTCODEHASH',
      baseFee: 0,
      gasFunction: gasOf.get(0x3f),
      logicFunction: async (s) => {
        const a = createAddressFromBigInt(s.stack.pop() & MASK);
        s.stack.push((await s.stateManager.getCode(a)).length === 0 ? 0n : 1n);
      },
    },
  ];
  if (fork === 4) {
    const input = (s) => (s.interpreter._env.isCreate ? s.code : s.interpreter.getCallData());
    ops.push(
      {
        opcode: 0x35,
        opcodeName: 'CALLDATALOAD',
        baseFee: 3,
        logicFunction: (s) => {
          s.stack.push(number(slice(input(s), s.stack.pop(), 32)));
        },
      },
      {
        opcode: 0x37,
        opcodeName: 'CALLDATACOPY',
        baseFee: 3,
        gasFunction: gasOf.get(0x37),
        logicFunction: (s) => {
          const [to, from, length] = s.stack.popN(3);
          if (length !== 0n) s.memory.write(Number(to), Number(length), slice(input(s), from, Number(length)));
        },
      },
    );
  }
  return ops;
}

/** Precompiles that fail at once and give all gas back. */
export function customPrecompiles() {
  return [2, 3, 5, 6, 7, 8, 9].map((n) => ({
    address: createAddressFromBigInt(BigInt(n)),
    function: () => ({
      executionGasUsed: 0n,
      returnValue: new Uint8Array(0),
      exceptionError: new EVMError(EVMError.errorMessages.REVERT),
    }),
  }));
}
