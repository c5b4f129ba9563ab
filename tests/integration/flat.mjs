// Whether a sampled quantity grows.
//
// A leak is a straight line; what an allocator, a cache or a database does is a saw or a step that levels out. So the line
// is fitted by the median of the slopes between all pairs of samples (Theil and Sen): up to 29 % of the samples may be
// peaks, wherever they are, without moving it, which cannot be said of least squares nor of "the last against the first".

/** The middle of unsorted numbers. */
export function median(values) {
    const sorted = Float64Array.from(values).sort();
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Samples [seconds, value], at least two, at different times: the growth for each second. */
export function slope(samples) {
    const slopes = [];
    for (let i = 0; i < samples.length; i++)
        for (let j = i + 1; j < samples.length; j++)
            slopes.push((samples[j][1] - samples[i][1]) / (samples[j][0] - samples[i][0]));
    return median(slopes);
}

/** What the line gains over the time of the samples, with their median and extremes. */
export function growth(samples) {
    if (samples.length < 8) throw new Error(`${samples.length} samples are too few to tell growth from noise`);
    const values = samples.map((s) => s[1]);
    const seconds = samples[samples.length - 1][0] - samples[0][0];
    return {
        growth: slope(samples) * seconds, seconds, median: median(values), min: Math.min(...values), max: Math.max(...values),
    };
}

/** The value that a share q of the numbers does not exceed. */
export function percentile(values, q) {
    const sorted = Float64Array.from(values).sort();
    return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}
