#include "tests/unit/cardmodel/cardmodel_test.h"

#include "driver/cardmodel/metadata.h"

static void fields_come_back(void **state)
{
    static const uint64_t NUMBERS[] = {0, 1, 127, 128, 300, UINT32_MAX, 1ull << 62, UINT64_MAX};
    uint8_t buffer[256];
    (void)state;

    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        wire_writer w = {buffer, 0, sizeof buffer, false};
        wire_message m;
        const uint8_t *bytes;
        uint64_t value;
        size_t size;

        wire_put_number(&w, 3, NUMBERS[i]);
        wire_put_bytes(&w, 15, "abc", 3);
        wire_put_bytes(&w, 7, NULL, 0);
        wire_put_number(&w, 1000, 5); /* a field that nobody reads */
        assert_false(w.full);
        assert_true(wire_message_read(buffer, w.size, &m));
        assert_true(wire_message_number(&m, 3, &value));
        assert_true(value == NUMBERS[i]);
        assert_true(wire_message_bytes(&m, 15, &bytes, &size));
        assert_int_equal(size, 3);
        assert_memory_equal(bytes, "abc", 3);
        assert_true(wire_message_bytes(&m, 7, &bytes, &size));
        assert_int_equal(size, 0);
        assert_false(wire_message_number(&m, 15, &value));
        assert_false(wire_message_bytes(&m, 3, &bytes, &size));
        assert_false(wire_message_number(&m, 4, &value));
        for (size_t cut = 1; cut < w.size; cut++) /* any answer, nothing read behind the end */
            wire_message_read(buffer, cut, &m);
    }
}

static void malformed(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } BAD[] = {
        {"\x08", 1},                                              /* no value */
        {"\x08\x80", 2},                                          /* cut varint */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11},     /* 65 bits */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* eleven bytes */
        {"\x00\x00", 2},                                          /* field 0 */
        {"\x0b", 1},                                              /* a group */
        {"\x0e", 1},                                              /* kind 6 */
        {"\x09\x01\x02\x03\x04\x05\x06\x07", 8},                  /* cut fixed64 */
        {"\x0d\x01\x02\x03", 4},                                  /* cut fixed32 */
        {"\x12\x05"
         "abcd",
         6},                                                  /* longer than the message */
        {"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, /* much longer */
    };
    wire_message m;
    (void)state;

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_false(wire_message_read(BAD[i].bytes, BAD[i].size, &m));
    assert_true(wire_message_read("", 0, &m));
}

static void headers(void **state)
{
    uint8_t header[WIRE_REQUEST_HEADER], answer[WIRE_ANSWER_HEADER];
    uint32_t call;
    size_t size;
    (void)state;

    wire_request_write(header, 0x123456, 28);
    assert_memory_equal(header, "\x09\x56\x34\x12\0\0\0\0\0\x15\x1c\0\0\0", sizeof header);
    assert_true(wire_request_read(header, &size, &call));
    assert_int_equal(size, 0x123456);
    assert_int_equal(call, 28);
    wire_answer_write(answer, 5);
    assert_memory_equal(answer, "\x09\x05\0\0\0\0\0\0\0", sizeof answer);
    wire_request_write(header, WIRE_MAX_MESSAGE, 1);
    assert_true(wire_request_read(header, &size, &call));
    wire_request_write(header, WIRE_MAX_MESSAGE + 1, 1);
    assert_false(wire_request_read(header, &size, &call));
    wire_request_write(header, 1, 1);
    header[8] = 0x80;
    assert_false(wire_request_read(header, &size, &call));
    wire_request_write(header, 1, 1);
    header[0] = 8;
    assert_false(wire_request_read(header, &size, &call));
    wire_request_write(header, 1, 1);
    header[9] = 0;
    assert_false(wire_request_read(header, &size, &call));
}

static void writer_is_bounded(void **state)
{
    uint8_t buffer[8];
    (void)state;

    memset(buffer, 0xaa, sizeof buffer);
    for (size_t capacity = 0; capacity < 6; capacity++) {
        wire_writer w = {buffer, 0, capacity, false};

        wire_put_number(&w, 1, UINT64_MAX);
        assert_true(w.full);
        assert_true(w.size <= capacity);
        assert_int_equal(buffer[6], 0xaa);
        w = (wire_writer){buffer, 0, capacity, false};
        wire_put_bytes(&w, 1, "abcdef", 6);
        assert_true(w.full);
        assert_int_equal(buffer[6], 0xaa);
    }
}

static p_status read_xml(const char *text, metadata *out, p_err *err)
{
    p_err_clear(err);
    return metadata_read(text, strlen(text), out, err);
}

static void metadata_of_the_toy(void **state)
{
    metadata m;
    p_err err;
    (void)state;

    assert_int_equal(read_xml(TOY_XML, &m, &err), P_OK);
    assert_int_equal(m.kernels, 1);
    assert_string_equal(m.kernel[0].name, "toy");
    assert_int_equal(m.kernel[0].args, 3);
    assert_true(m.kernel[0].arg[0].pointer);
    assert_int_equal(m.kernel[0].arg[1].offset, 0x1c);
    assert_false(m.kernel[0].arg[2].pointer);
    assert_int_equal(m.kernel[0].arg[2].bytes, 4);
    assert_int_equal(m.units, 2);
    assert_string_equal(m.unit[1].name, "toy_2");
    assert_true(m.unit[1].base == 0x1810000);
    /* every text that is cut before the kernel's end is refused */
    for (size_t cut = 0; cut < (size_t)(strstr(TOY_XML, "</kernel>") + 9 - TOY_XML); cut++) {
        p_err_clear(&err);
        assert_int_equal(metadata_read(TOY_XML, cut, &m, &err), P_EINVAL);
        assert_true(err.text[0] != 0);
    }
}

static void metadata_refused(void **state)
{
#define KERNEL(body) "<kernel name=\"k\">" body "</kernel>"
#define UNIT "<instance name=\"k_1\"><addrRemap base=\"0x1000\"/></instance>"
#define ARG(id, size, offset, qualifier)                                                           \
    "<arg addressQualifier=\"" qualifier "\" id=\"" id "\" size=\"" size "\" offset=\"" offset     \
    "\"/>"
    static const char *const BAD[] = {
        "",
        "<project/>",
        KERNEL(""),
        "<kernel name=\"k\">" UNIT,
        "<kernel nam=\"k\">" UNIT "</kernel>",
        "<kernel name=\"a b\">" UNIT "</kernel>",
        KERNEL("<instance name=\"k_1\"><addrRemap base=\"0x1001\"/></instance>"),
        KERNEL("<instance name=\"k_1\"><addrRemap base=\"0x100000000\"/></instance>"),
        KERNEL("<instance name=\"k_1\"></instance>"),
        KERNEL(UNIT UNIT),
        KERNEL(ARG("1", "4", "0x10", "0") UNIT),  /* ids from 0 */
        KERNEL(ARG("0", "3", "0x10", "0") UNIT),  /* size */
        KERNEL(ARG("0", "4", "0x10", "1") UNIT),  /* a pointer of 32 bits */
        KERNEL(ARG("0", "4", "0x10", "4") UNIT),  /* a stream */
        KERNEL(ARG("0", "4", "0x12", "0") UNIT),  /* between registers */
        KERNEL(ARG("0", "4", "0x0c", "0") UNIT),  /* the control registers */
        KERNEL(ARG("0", "8", "0xffc", "0") UNIT), /* beyond the end */
        KERNEL(ARG("0", "4", "-16", "0") UNIT),
        KERNEL(ARG("0", "4", "99999999999999999999", "0") UNIT),
        KERNEL(ARG("0", "8", "0x10", "0") ARG("1", "4", "0x14", "0") UNIT), /* overlap */
    };
    metadata m;
    p_err err;
    (void)state;

    assert_int_equal(read_xml(KERNEL(UNIT), &m, &err), P_OK);
    assert_int_equal(read_xml(KERNEL(ARG("0", "8", "0xff8", "0") UNIT), &m, &err), P_OK);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        if (read_xml(BAD[i], &m, &err) != P_EINVAL || !err.text[0])
            fail_msg("taken: %s", BAD[i]);
    }
}

static void faults_are_read(void **state)
{
    static const char NINE[] = "exit@1,exit@2,exit@3,exit@4,exit@5,exit@6,exit@7,exit@8,exit@9";
    static const char *const BAD[] = {"exit",    "exit@",     "exit@x",    "hang@1",
                                      "hang=@1", "exit=gl@1", "crash@1@2", "slow=k@-1",
                                      "@1",      "leave@1",   NINE};
    model_faults f;
    p_err err = {0};
    (void)state;

    assert_int_equal(model_faults_read(NULL, &f, &err), P_OK);
    assert_int_equal(f.count, 0);
    assert_int_equal(model_faults_read("exit@3,hang=gl_lde@2,slow=toy@50,flip@0x40", &f, &err),
                     P_OK);
    assert_true(model_faults_at(&f, MODEL_FAULT_EXIT, 3));
    assert_false(model_faults_at(&f, MODEL_FAULT_EXIT, 2));
    assert_false(model_faults_at(&f, MODEL_FAULT_CRASH, 3));
    assert_true(model_faults_hangs(&f, "gl_lde", 2));
    assert_false(model_faults_hangs(&f, "gl_lde", 1));
    assert_false(model_faults_hangs(&f, "toy", 2));
    assert_true(model_faults_slow_ms(&f, "toy") == 50);
    assert_true(model_faults_slow_ms(&f, "gl_lde") == 0);
    assert_true(model_faults_at(&f, MODEL_FAULT_FLIP, 0x40));
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        p_err_clear(&err);
        assert_int_equal(model_faults_read(BAD[i], &f, &err), P_EINVAL);
        assert_true(err.text[0] != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_come_back),
        cmocka_unit_test(malformed),
        cmocka_unit_test(headers),
        cmocka_unit_test(writer_is_bounded),
        cmocka_unit_test(metadata_of_the_toy),
        cmocka_unit_test(metadata_refused),
        cmocka_unit_test(faults_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
