// Bounds on time that hold on a busy machine, too.

/**
 * The shortest of up to five tries of measure() (which returns milliseconds); no more tries once one is below the bound. Other
 * processes can delay any single try, but what is too late in each of five is late by itself.
 */
export async function bestOf(bound, measure) {
    let best = Infinity;
    for (let i = 0; i < 5 && best >= bound; i++) best = Math.min(best, await measure());
    return best;
}
