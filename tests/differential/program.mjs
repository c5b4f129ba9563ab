// Random EVM programs for an independent EVM as the oracle, which meaning.mjs has taught where the zkEVM forks leave Berlin.
// What it cannot know is asked only so far: whether an EXTCODEHASH is zero, BLOCKHASH of blocks that do not exist.

/** xorshift128+ over BigInt-free 32-bit words: the same seed gives the same programs everywhere. */
export class Random {
  constructor(seed) {
    this.s = new Uint32Array(4);
    let x = (seed >>> 0) || 0x9e3779b9;
    for (let i = 0; i < 4; i++) {
      x = Math.imul(x ^ (x >>> 16), 0x45d9f3b) >>> 0;
      x = (x + 0x9e3779b9) >>> 0;
      this.s[i] = x;
    }
    for (let i = 0; i < 16; i++) this.u32();
  }
  u32() {
    const s = this.s;
    let t = s[3];
    t ^= t << 11;
    t ^= t >>> 8;
    s[3] = s[2];
    s[2] = s[1];
    s[1] = s[0];
    t ^= s[0] ^ (s[0] >>> 19);
    s[0] = t >>> 0;
    return s[0];
  }
  below(n) {
    return this.u32() % n;
  }
  pick(list) {
    return list[this.below(list.length)];
  }
  chance(percent) {
    return this.below(100) < percent;
  }
  bytes(n) {
    return Uint8Array.from({ length: n }, () => this.below(256));
  }
}

const UNARY = [0x15, 0x19];
const BINARY = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18,
  0x1a, 0x1b, 0x1c, 0x1d];
const TERNARY = [0x08, 0x09];
const PUSHED = [0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x58, 0x59, 0x5a];
const EDGES = [
  '00', '01', '02', '1f', '20', '21', '60', 'ff', '0100', '7fff', 'ffff', '010000', 'ffffffff', '0100000000',
  'ffffffffffffffff', '010000000000000000', '80000000000000000000000000000000', 'ffffffffffffffffffffffffffffffff',
  '7f' + 'ff'.repeat(31), '80' + '00'.repeat(31), 'ff'.repeat(32), 'ff'.repeat(31) + 'fe',
];

const FAR = ['3fffe0', '3fffe1', 'ffffffff', '0100000000', 'fffffffffffffff0', 'ffffffffffffffff', '010000000000000000',
  'ff'.repeat(31), 'ff'.repeat(32)];
const GAS = ['ff'.repeat(32), 'ff'.repeat(8), '01' + '00'.repeat(8), '01' + '00'.repeat(8) + '08fc', '80' + '00'.repeat(7)];

function unhex(text) {
  return Uint8Array.from(text.match(/../g), (x) => parseInt(x, 16));
}

/** One program: `callees` are 20-byte hex addresses that it may call or look at; `fork` decides about PUSH0. */
export class Program {
  constructor(random, callees, fork, depth = 0) {
    this.r = random;
    this.callees = callees;
    this.fork = fork;
    this.depth = depth;
    this.code = [];
    this.height = 0; // a lower bound of the operand stack's height
  }
  op(...bytes) {
    this.code.push(...bytes);
  }
  pushBytes(bytes) {
    this.op(0x5f + bytes.length, ...bytes);
    this.height++;
  }
  pushNumber(n) {
    if (n === 0 && this.fork >= 5 && this.r.chance(50)) {
      this.op(0x5f);
      this.height++;
      return;
    }
    const bytes = [];
    do {
      bytes.unshift(n & 255);
      n >>>= 8;
    } while (n);
    this.pushBytes(Uint8Array.from(bytes));
  }
  pushAny() {
    const kind = this.r.below(10);
    if (kind < 4) this.pushBytes(unhex(this.r.pick(EDGES)));
    else if (kind < 7) this.pushNumber(this.r.below(300));
    else this.pushBytes(this.r.bytes(1 + this.r.below(32)));
  }
  need(n) {
    while (this.height < n) this.pushAny();
  }
  offset() {
    // an offset means nothing where the size is zero; elsewhere such a one ends the frame
    if (this.r.chance(this.zeroSize ? 50 : 1)) {
      this.pushBytes(unhex(this.r.pick(FAR)));
      return;
    }
    this.pushNumber(this.r.chance(85) ? this.r.below(200) : this.r.below(3000));
  }
  size() {
    this.zeroSize = this.r.chance(10);
    if (this.zeroSize) this.pushNumber(0);
    else if (this.r.chance(1)) this.pushBytes(unhex(this.r.pick(FAR)));
    else this.pushNumber(this.r.chance(80) ? this.r.below(80) : this.r.below(700));
  }
  /** An address; now and then with bits above the 160 that count. */
  address() {
    const a = this.r.pick(this.callees);
    if (this.r.chance(10)) this.pushBytes(unhex(this.r.pick(['01', 'ff']) + '00'.repeat(this.r.below(11)) + a));
    else this.pushBytes(unhex(a));
  }
  call() {
    const op = this.r.pick([0xf1, 0xf1, 0xf2, 0xf4, 0xfa]);
    const before = this.height;
    this.size();
    this.offset();
    this.size();
    this.offset();
    if (op === 0xf1 || op === 0xf2) {
      if (this.r.chance(70)) this.pushNumber(0);
      else this.pushNumber(this.r.below(1000));
    }
    this.address();
    if (this.r.chance(60)) this.op(0x5a);
    else if (this.r.chance(80)) this.pushNumber(this.r.below(60000));
    else this.pushBytes(unhex(this.r.pick(GAS)));
    this.op(op);
    this.height = before + 1;
  }
  create() {
    const init = initCode(this.r, this.callees, this.fork, this.depth + 1);
    const at = this.r.below(64);
    for (let i = 0; i < init.length; i += 32) {
      const part = new Uint8Array(32);
      part.set(init.subarray(i, i + 32));
      this.pushBytes(part);
      this.pushNumber(at + i);
      this.op(0x52);
      this.height -= 2;
    }
    const before = this.height;
    const two = this.r.chance(50);
    if (two) this.pushNumber(this.r.below(3));
    this.pushNumber(init.length);
    this.pushNumber(at);
    this.pushNumber(this.r.chance(70) ? 0 : this.r.below(500));
    this.op(two ? 0xf5 : 0xf0);
    this.height = before + 1;
  }
  jumpForward() {
    // JUMPI over a few statements; the destination is patched in when it is known
    this.need(1);
    const start = this.height;
    this.op(0x61, 0, 0);
    const patch = this.code.length - 2;
    this.op(0x57);
    this.height = start - 1;
    const before = this.height;
    for (let i = this.r.below(4); i > 0; i--) this.statement(false);
    this.code[patch] = this.code.length >> 8;
    this.code[patch + 1] = this.code.length & 255;
    this.op(0x5b);
    // both ways must have at least what we count on afterwards
    this.height = Math.min(before, this.height);
  }
  jumpIntoPush() {
    // the JUMPDEST is a byte of a PUSH; what follows it there is code, too
    const n = 1 + this.r.below(32);
    const hidden = this.r.below(n);
    const data = Uint8Array.from({ length: n }, (_, i) => (i < hidden ? this.r.below(256) : 0x5b));
    if (this.r.chance(30)) data[n - 1] = this.r.pick([0x58, 0x5a, 0x59, 0x36]); // pushes one
    if (hidden === n - 1) data[n - 1] = 0x5b;
    const to = this.code.length + 5 + hidden;
    this.op(0x61, to >> 8, to & 255, 0x56, 0x5f + n, ...data);
    this.height += data[n - 1] === 0x5b ? 0 : 1;
  }
  loop() {
    // a counter in memory slot 0x400, at most ten rounds, with a body that keeps no operands
    this.pushNumber(1 + this.r.below(10));
    this.pushNumber(0x400);
    this.op(0x52);
    this.height -= 2;
    const target = this.code.length;
    this.op(0x5b);
    for (let i = 1 + this.r.below(3); i > 0; i--) {
      const body = this.height;
      this.statement(false);
      while (this.height > body) {
        this.op(0x50);
        this.height--;
      }
      while (this.height < body) this.pushAny();
    }
    this.op(0x60, 1, 0x61, 4, 0, 0x51, 0x03, 0x80, 0x61, 4, 0, 0x52, 0x61, target >> 8, target & 255, 0x57);
  }
  statement(nested = true) {
    const r = this.r;
    const kind = r.below(100);
    if (kind < 18) {
      this.pushAny();
    } else if (kind < 40) {
      const [ops, n] = r.pick([[UNARY, 1], [BINARY, 2], [BINARY, 2], [BINARY, 2], [TERNARY, 3]]);
      this.need(n);
      this.op(r.pick(ops));
      this.height -= n - 1;
    } else if (kind < 48) {
      this.op(r.pick(PUSHED));
      this.height++;
    } else if (kind < 54) {
      const n = 1 + r.below(16);
      this.need(n);
      this.op(0x7f + n);
      this.height++;
    } else if (kind < 58) {
      const n = 1 + r.below(16);
      this.need(n + 1);
      this.op(0x8f + n);
    } else if (kind < 60) {
      this.need(1);
      this.op(0x50);
      this.height--;
    } else if (kind < 67) {
      const op = r.pick([0x51, 0x52, 0x53, 0x35]);
      if (op === 0x52 || op === 0x53) this.need(1);
      this.offset();
      this.op(op);
      if (op === 0x52 || op === 0x53) this.height -= 2; // MLOAD and CALLDATALOAD replace their operand
    } else if (kind < 76) {
      // a small set of slots and values makes every row of the SSTORE table appear
      if (r.chance(60)) {
        if (r.chance(70)) this.pushNumber(r.below(3));
        else this.need(1);
        this.pushNumber(r.below(4));
        this.op(0x55);
        this.height -= 2;
      } else {
        this.pushNumber(r.below(4));
        this.op(0x54);
      }
    } else if (kind < 80) {
      this.size();
      this.offset();
      this.op(0x20);
      this.height--;
    } else if (kind < 84) {
      const op = r.pick([0x37, 0x39, 0x3e, 0x3c]);
      if (op === 0x3e && r.chance(70)) {
        this.op(0x3d); // exactly what there is
        this.height++;
        this.pushNumber(0);
      } else {
        this.size();
        this.offset();
      }
      this.offset();
      if (op === 0x3c) {
        this.pushBytes(unhex(r.pick(this.callees)));
        this.height--;
      }
      this.op(op);
      this.height -= 3;
    } else if (kind < 87) {
      const op = r.pick([0x31, 0x3b, 0x3f, 0x40]);
      if (op === 0x40) this.pushBytes(Uint8Array.from([0x7f, ...r.bytes(r.below(32))]));
      else this.address();
      this.op(op);
      if (op === 0x3f) this.op(0x15);
    } else if (kind < 90) {
      const topics = r.below(5);
      this.need(topics);
      this.size();
      this.offset();
      this.op(0xa0 + topics);
      this.height -= topics + 2;
    } else if (kind < 95) {
      this.call();
    } else if (kind < 96 && this.depth < 2) {
      this.create();
    } else if (kind < 97) {
      this.jumpIntoPush();
    } else if (nested && kind < 98) {
      this.jumpForward();
    } else if (nested) {
      this.loop();
    }
  }
  end() {
    const kind = this.r.below(10);
    if (kind < 2) {
      this.op(0x00);
    } else if (kind < 3) {
      this.address();
      this.op(0xff);
    } else if (kind < 8) {
      this.size();
      this.offset();
      this.op(kind < 6 ? 0xf3 : 0xfd);
    } else if (kind < 9) {
      this.op(this.r.pick([0xfe, 0x0c, 0x21, 0x4f, 0xef, 0x50, 0x56]));
    }
    return Uint8Array.from(this.code);
  }
}

export function program(random, callees, fork, statements, depth = 0) {
  const p = new Program(random, callees, fork, depth);
  for (let i = 0; i < statements; i++) p.statement();
  return p.end();
}

/** Init code: a few statements, then the deployment of random bytes, of a program, of too much, or of 0xef. */
export function initCode(random, callees, fork, depth = 1) {
  const p = new Program(random, callees, fork, depth);
  for (let i = random.below(6); i > 0; i--) p.statement();
  const kind = random.below(10);
  if (kind < 2) return p.end();
  const body = kind < 3 ? new Uint8Array(0) : program(random, callees, fork, random.below(8), depth + 1);
  const deployed = kind === 9 ? Uint8Array.from([0xef, ...body]) : body;
  if (deployed.length > 0) {
    // CODECOPY(0, tail, length); RETURN(0, length)
    p.op(0x61, deployed.length >> 8, deployed.length & 255, 0x61, 0, 0, 0x60, 0, 0x39);
    const patch = p.code.length - 5;
    p.op(0x61, deployed.length >> 8, deployed.length & 255, 0x60, 0, 0xf3);
    p.code[patch] = p.code.length >> 8;
    p.code[patch + 1] = p.code.length & 255;
    p.op(...deployed);
  } else {
    p.op(0x60, 0, 0x60, 0, 0xf3);
  }
  return Uint8Array.from(p.code);
}
