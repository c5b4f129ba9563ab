// Multiplies in the Goldilocks field, p = 2^64 - 2^32 + 1: r = a b mod p, for any words a and b; r is canonical. A new
// pair each cycle, the product LATENCY cycles later; 12 DSP48E2. ce = 0 holds everything. No reset: what comes out has
// gone in LATENCY cycles before.
//
// a has limbs of 26, 26 and 12 bits, b of 17, 17, 17 and 13: twelve tiles, in six pairs (gl_dsp.v). Cycles:
//   1 - 4  operands' registers, products, lower sums, upper sums: each pair has 26 x 34 bits
//   5      three pairs for b's lower 34 bits and three for the upper 30
//   6      the product, 128 bits
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

  // 1 - 4: low[i] = a_i b[16:0], high[i] = a_i b[33:17] + low[i] / 2^17 for b's lower half, likewise for the upper
  wire [59:0] rows[0:5];  // pair 3 h + i: limb i of a times half h of b, below 2^60
  wire [77:0] a_limbs = {14'd0, `GL_FAULTY(141, a[63], 1'b0), a[62:0]};
  wire [67:0] b_limbs = {4'd0, `GL_FAULTY(142, b[63], 1'b0), b[62:0]};
  genvar i, h;
  generate
    for (h = 0; h < 2; h = h + 1) begin : half
      for (i = 0; i < 3; i = i + 1) begin : limb
        wire [47:0] low, high, low_cascade, high_cascade;
        wire [29:0] a_cascade, a_end;
        reg [16:0] low_end;

        gl_dsp #(
            .UPPER(0)
        ) lower (
            .clk(clk),
            .ce(ce),
            .a(a_limbs[26*i+:26]),
            .acin(30'd0),
            .b(b_limbs[34*h+:17]),
            .pcin(48'd0),
            .p(low),
            .acout(a_cascade),
            .pcout(low_cascade)
        );
        gl_dsp #(
            .UPPER(1)
        ) upper (
            .clk(clk),
            .ce(ce),
            .a(26'd0),
            .acin(a_cascade),
            .b(b_limbs[34*h+17+:17]),
            .pcin(low_cascade),
            .p(high),
            .acout(a_end),
            .pcout(high_cascade)
        );
        always @(posedge clk) if (ce) low_end <= low[16:0];
        assign rows[3*h+i] = {high[42:0], low_end};
        wire unused = &{low[47:17], high[47:43], a_end, high_cascade};
      end
    end
  endgenerate

  // 5: a times the halves of b: below 2^98 and 2^94
  reg [97:0] sum_low;
  reg [93:0] sum_high;
  // 6
  reg [127:0] product;
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

  always @(posedge clk) begin
    if (ce) begin
      sum_low <= {38'd0, rows[0]} + {12'd0, rows[1], 26'd0} + {rows[2][45:0], 52'd0};
      sum_high <= {34'd0, rows[3]} + {8'd0, rows[4], 26'd0} + {rows[5][41:0], 52'd0};
      product <= {30'd0, `GL_FAULTY(143, sum_low, sum_low & ~(98'd1 << 97))} + {sum_high, 34'd0};
      u <= {2'd0, product[63:0]} - {34'd0, `GL_FAULTY(144, w3, w3 & 32'h7fffffff)};
      v <= w2_up - {34'd0, `GL_FAULTY(145, w2, w2 & ~32'd1)};
      v_less <= {2'b11, w2, ~w2};
      v_more <= w2_up - {34'd0, w2} - 66'sh0_ffff_ffff + 66'sh1_0000_0000_0000_0000;
      sum <= u + v;
      other <= u + (u[65] ? v_more : v_less);
      negative <= u[65];
      result <= take_sum ? sum[63:0] : other[63:0];
    end
`ifdef GL_FAULTS
    else if (fault == 149) sum_low <= {38'd0, rows[0]} + {12'd0, rows[1], 26'd0} + {rows[2][45:0], 52'd0};
`endif
  end
  assign r = result;
  wire unused = &{rows[2][59:46], rows[5][59:42], sum[64], other[64], LATENCY != 0};
endmodule
