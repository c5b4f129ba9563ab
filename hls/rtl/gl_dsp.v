// One tile of a product: p = a b (+ pcin / 2^17 if UPPER), for unsigned a of 26 and b of 17 bits, which the signed
// multiplier of 27 by 18 takes with a zero on top. One DSP48E2 with all its registers.
//
// Two of them make 26 by 34 bits. The lower one (UPPER = 0) has its sum three cycles after its operands. The upper one
// gets a from the lower one's acout, a register later, has a second register for b, and adds the sum of the lower one
// without the 17 bits that are final: it has its own sum four cycles after b, and after the lower one's a.
// p < 2^43 + 2^26: nowhere near the 48 bits.
`include "gl_fault.vh"

module gl_dsp #(
    parameter UPPER = 0
) (
    input wire clk,
    input wire ce,
    input wire [25:0] a,     // UPPER = 0
    input wire [29:0] acin,  // UPPER = 1: the lower one's acout
    input wire [16:0] b,
    input wire [47:0] pcin,  // UPPER = 1: the lower one's pcout
    output wire [47:0] p,
    output wire [29:0] acout,
    output wire [47:0] pcout
);
  `GL_FAULT_SELECT

  // W = 0; Z = 0, or PCIN shifted by 17; Y and X: the product
  wire [8:0] opmode = UPPER == 0 ? 9'b00_000_01_01 : `GL_FAULTY(140, 9'b00_101_01_01, 9'b00_001_01_01);

  DSP48E2 #(
      .A_INPUT(UPPER == 0 ? "DIRECT" : "CASCADE"),
      .AREG(1),
      .ACASCREG(1),
      .BREG(UPPER == 0 ? 1 : 2),
      .BCASCREG(UPPER == 0 ? 1 : 2),
      .MREG(1),
      .PREG(1),
      .CREG(0),
      .DREG(0),
      .ADREG(0),
      .INMODEREG(0),
      .OPMODEREG(0),
      .ALUMODEREG(0),
      .CARRYINREG(0),
      .CARRYINSELREG(0),
      .USE_MULT("MULTIPLY")
  ) dsp (
      .CLK(clk),
      .A({4'd0, a}),
      .ACIN(acin),
      .ACOUT(acout),
      .B({1'b0, b}),
      .BCIN(18'd0),
      .C(48'd0),
      .D(27'd0),
      .PCIN(pcin),
      .P(p),
      .PCOUT(pcout),
      .OPMODE(opmode),
      .INMODE(5'd0),
      .ALUMODE(4'd0),
      .CARRYIN(1'b0),
      .CARRYINSEL(3'd0),
      .CEA1(ce),
      .CEA2(ce),
      .CEB1(ce),
      .CEB2(ce),
      .CEM(ce),
      .CEP(ce),
      .CEC(1'b0),
      .CED(1'b0),
      .CEAD(1'b0),
      .CEINMODE(1'b0),
      .CECTRL(1'b0),
      .CEALUMODE(1'b0),
      .CECARRYIN(1'b0),
      .RSTA(1'b0),
      .RSTB(1'b0),
      .RSTC(1'b0),
      .RSTD(1'b0),
      .RSTM(1'b0),
      .RSTP(1'b0),
      .RSTINMODE(1'b0),
      .RSTCTRL(1'b0),
      .RSTALUMODE(1'b0),
      .RSTALLCARRYIN(1'b0)
  );
endmodule
