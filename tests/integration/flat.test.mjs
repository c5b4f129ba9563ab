import { test } from 'node:test';
import assert from 'node:assert/strict';
import { median, slope, growth, percentile } from './flat.mjs';

// Numbers that look random, the same each time.
function noise(seed) {
    let x = seed;
    return () => { x = (x * 48271) % 2147483647; return x / 2147483647; };
}
const series = (n, f) => Array.from({ length: n }, (_, t) => [t, f(t)]);

test('median and percentile', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    const v = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.deepEqual([0.5, 0.99, 1, 0].map((q) => percentile(v, q)), [50, 99, 100, 1]);
    assert.equal(percentile([7], 0.99), 7);
});

test('a line is found exactly, also at uneven times', () => {
    assert.equal(slope([[0, 1], [1, 3], [5, 11], [6, 13]]), 2);
    assert.equal(growth(series(10, (t) => 5 - 3 * t)).growth, -27);
});

test('noise and a saw do not grow; a leak of a fiftieth of the noise a second does', () => {
    const r = noise(1), jitter = series(300, () => 1000 + 100 * r());
    assert.ok(Math.abs(growth(jitter).growth) < 15, `${growth(jitter).growth}`);
    const saw = series(300, (t) => 1000 + (t % 20) * 10);
    assert.ok(Math.abs(growth(saw).growth) < 19, `${growth(saw).growth}`);
    const leak = jitter.map(([t, v]) => [t, v + 2 * t]);
    assert.ok(Math.abs(growth(leak).growth - 598) < 20, `${growth(leak).growth}`);
});

test('peaks in a fifth of the samples, all at the end, do not make a line', () => {
    const r = noise(2), peaks = series(300, (t) => 1000 + 100 * r() + (t >= 240 ? 5000 : 0));
    assert.ok(growth(peaks).growth < 200, `${growth(peaks).growth}`);
});

test('too few samples are refused', () => assert.throws(() => growth(series(7, () => 1)), /too few/));
