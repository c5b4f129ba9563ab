// Multiplies in the Goldilocks field, p = 2^64 - 2^32 + 1: r = a b mod p, for any words a and b; r is canonical. A new
// pair each cycle, the product LATENCY cycles later; 12 DSP48E2. ce = 0 holds everything. No reset: what comes out has
// gone in LATENCY cycles before.
//
// Cycles:
//   1 - 6  the product, 128 bits (gl_mul64.v)
//   7, 8   with limbs w0 .. w3 and 2^64 = 2^32 - 1, 2^96 = -1 (mod p) it is u + v, u = w0 + 2^32 w1 - w3 and
//          v = (2^32 - 1) w2: -2^32 < u < 2^64, 0 <= v < p, u + v <= 2 p - 2. So u + v - p or u + v is canonical, or,
//          if u < 0, u + v or u + v + p: two sums, of which
//   9      one is taken
`include "gl_fault.vh"

module gl_mul #(
    parameter LATENCY = 9  // for those who ask; it follows from the above
) (
    input wire clk,
    input wire ce,
    input wire [63:0] a,
    input wire [63:0] b,
    output wire [63:0] r
);
  `GL_FAULT_SELECT

  // 1 - 6
  wire [127:0] product;
  gl_mul64 words (
      .clk(clk),
      .ce(ce),
      .a(a),
      .b(b),
      .product(product)
  );

  // 7: u and v; v - p is {w2, ~w2} - 2^64, since -w2 - 1 = ~w2; v + p is 2^32 (w2 - 1) - (w2 - 1) + 2^64
  reg signed [65:0] u, v, v_less, v_more;
  wire [31:0] w2 = product[95:64], w3 = product[127:96];
  wire signed [65:0] w2_up = {2'd0, w2, 32'd0};
  // 8: u + v, and that minus p, or plus p if u is negative
  reg signed [65:0] sum, other;
  reg negative;
  // 9
  reg [63:0] result;
  wire take_sum = negative ? `GL_FAULTY(147, !sum[65], 1'b1) : `GL_FAULTY(146, other[65], other[65] || other == 0);

  always @(posedge clk)
    if (ce) begin
      u <= {2'd0, product[63:0]} - {34'd0, `GL_FAULTY(144, w3, w3 & 32'h7fffffff)};
      v <= w2_up - {34'd0, `GL_FAULTY(145, w2, w2 & ~32'd1)};
      v_less <= {2'b11, w2, ~w2};
      v_more <= w2_up - {34'd0, w2} - 66'sh0_ffff_ffff + 66'sh1_0000_0000_0000_0000;
      sum <= u + v;
      other <= u + (u[65] ? v_more : v_less);
      negative <= u[65];
      result <= take_sum ? sum[63:0] : other[63:0];
    end
  assign r = result;
  wire unused = &{sum[64], other[64], LATENCY != 0};
endmodule
