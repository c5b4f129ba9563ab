// gl_mul as Vitis HLS calls it (gl_mul_blackbox.json, UG1399 "JSON File for RTL Blackbox"): block control ap_ctrl_chain,
// inputs taken in the cycle of ap_start, the result with ap_done LATENCY cycles later, a new call each cycle.
`include "gl_fault.vh"

module gl_mul_blackbox #(
    parameter LATENCY = 9,
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
    output wire [63:0] ap_return
);
  `GL_FAULT_SELECT

  reg [LATENCY-1:0] under_way;

  gl_mul #(
      .LATENCY(LATENCY)
  ) mul (
      .clk(ap_clk),
      .ce(ap_ce),
      .a(a),
      .b(b),
      .r(ap_return)
  );
  always @(posedge ap_clk)
    if (ap_rst) under_way <= 0;
    else if (ap_ce) under_way <= {under_way[LATENCY-2:0], ap_start};
  assign ap_ready = ap_start && ap_ce;
  assign ap_done = `GL_FAULTY(148, under_way[LATENCY-1], under_way[LATENCY-2]);
  assign ap_idle = !ap_start && under_way == 0;
  wire unused = &{ap_continue, II != 0};
endmodule
