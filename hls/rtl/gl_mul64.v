// Multiplies words: product = a b, 128 bits. A new pair each cycle, the product LATENCY cycles later; 12 DSP48E2. ce = 0
// holds everything. No reset: what comes out has gone in LATENCY cycles before.
//
// a has limbs of 26, 26 and 12 bits, b of 17, 17, 17 and 13: twelve tiles, in six pairs (gl_dsp.v). Cycles:
//   1 - 4  operands' registers, products, lower sums, upper sums: each pair has 26 x 34 bits
//   5      three pairs for b's lower 34 bits and three for the upper 30
//   6      the product
`include "gl_fault.vh"

module gl_mul64 #(
    parameter LATENCY = 6  // for those who ask; it follows from the above
) (
    input wire clk,
    input wire ce,
    input wire [63:0] a,
    input wire [63:0] b,
    output reg [127:0] product
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

  always @(posedge clk) begin
    if (ce) begin
      sum_low <= {38'd0, rows[0]} + {12'd0, rows[1], 26'd0} + {rows[2][45:0], 52'd0};
      sum_high <= {34'd0, rows[3]} + {8'd0, rows[4], 26'd0} + {rows[5][41:0], 52'd0};
      product <= {30'd0, `GL_FAULTY(143, sum_low, sum_low & ~(98'd1 << 97))} + {sum_high, 34'd0};
    end
`ifdef GL_FAULTS
    else if (fault == 149) sum_low <= {38'd0, rows[0]} + {12'd0, rows[1], 26'd0} + {rows[2][45:0], 52'd0};
`endif
  end
  wire unused = &{rows[2][59:46], rows[5][59:42], LATENCY != 0};
endmodule
