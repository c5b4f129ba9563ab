pragma circom 2.0.0;

// a chain of products, a bit decomposition and unconstrained wires: A, B and C with infinities
template Chain(n) {
    signal input a;
    signal input b;
    signal output last;
    signal output product;
    signal t[n + 1];
    signal bit[8];
    var sum = 0;

    t[0] <== a;
    for (var i = 0; i < n; i++) {
        t[i + 1] <== t[i] * t[i] + b;
    }
    for (var i = 0; i < 8; i++) {
        bit[i] <-- (a >> i) & 1;
        bit[i] * (bit[i] - 1) === 0;
        sum += bit[i] * (1 << i);
    }
    sum === a;
    last <== t[n];
    product <== a * b;
}

component main {public [b]} = Chain(100);
