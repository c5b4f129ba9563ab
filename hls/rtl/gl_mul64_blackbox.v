// gl_mul64 as Vitis HLS calls it: see gl_mul_blackbox.v. Both halves of the product come with ap_done.
`include "gl_fault.vh"

module gl_mul64_blackbox #(
    parameter LATENCY = 6,
    parameter II = 1
) (
    input wire ap_clk,
    input wire ap_rst,
    input wire ap_ce,
    input wire ap_start,
    input wire ap_continue,
    output wire ap_idle,
    output wire ap_done,
    output wire ap_ready,
    input wire [63:0] a,
    input wire [63:0] b,
    output wire [63:0] low,
    output wire low_ap_vld,
    output wire [63:0] high,
    output wire high_ap_vld
);
  `GL_FAULT_SELECT

  reg [LATENCY-1:0] under_way;

  gl_mul64 #(
      .LATENCY(LATENCY)
  ) mul (
      .clk(ap_clk),
      .ce(ap_ce),
      .a(a),
      .b(b),
      .product({high, low})
  );
  always @(posedge ap_clk)
    if (ap_rst) under_way <= 0;
    else if (ap_ce) under_way <= {under_way[LATENCY-2:0], ap_start};
  assign ap_ready = ap_start && ap_ce;
  assign ap_done = `GL_FAULTY(148, under_way[LATENCY-1], under_way[LATENCY-2]);
  assign low_ap_vld = ap_done;
  assign high_ap_vld = ap_done;
  assign ap_idle = !ap_start && under_way == 0;
  wire unused = &{ap_continue, II != 0};
endmodule
