/* Deliberate faults, so that the tests can be seen to fail. HLS_FAULTY(n, right, wrong) is `right`
 * unless the file is compiled with -DHLS_FAULT=n, which only tests/unit/hls/CMakeLists.txt does:
 * one test program for each number, and each has to fail. Numbers are unique in hls/. */
#ifndef ZKP_HLS_INCLUDE_HLS_FAULT_H
#define ZKP_HLS_INCLUDE_HLS_FAULT_H

#ifndef HLS_FAULT
#define HLS_FAULT 0
#elif defined(__SYNTHESIS__)
#error "a build for a card has no faults"
#endif
#define HLS_FAULTY(n, right, wrong) (HLS_FAULT == (n) ? (wrong) : (right))

#endif
