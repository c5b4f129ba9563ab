/* The packer's files, read back with XRT's own header. */
#include "tests/unit/cardmodel/cardmodel_test.h"

#include "driver/cardmodel/image.h"
#include "driver/cardmodel/metadata.h"
#include "driver/cardmodel/zip.h"

#include <stdio.h>
#include <xclbin.h>

static const char KERNELS[] = "not a shared object, but the packer does not look";

static image_spec spec_of(image_mode mode)
{
    image_spec spec = {.name = "test",
                       .platform = IMAGE_PLATFORM,
                       .mode = mode,
                       .channels_log2 = 4,
                       .channel_mib = 128};

    for (uint32_t k = 0; k < IMAGE_KERNELS; k++)
        spec.units[k] = 1 + (k == IMAGE_gl_lde);
    return spec;
}

static uint8_t *make(const image_spec *spec, size_t *size)
{
    uint8_t *bytes;
    p_err err = {0};

    if (image_make(spec, KERNELS, sizeof KERNELS, &bytes, size, &err) != P_OK)
        fail_msg("%s", err.text);
    return bytes;
}

static const uint8_t *section(const uint8_t *bytes, uint32_t kind, size_t *size)
{
    struct axlf_header head;

    memcpy(&head, bytes + offsetof(struct axlf, m_header), sizeof head);
    for (uint32_t i = 0; i < head.m_numSections; i++) {
        struct axlf_section_header s;

        memcpy(&s, bytes + offsetof(struct axlf, m_sections) + i * sizeof s, sizeof s);
        assert_true(s.m_sectionOffset % 8 == 0);
        assert_true(s.m_sectionOffset + s.m_sectionSize <= head.m_length);
        if (s.m_sectionKind == kind) {
            *size = s.m_sectionSize;
            return bytes + s.m_sectionOffset;
        }
    }
    fail_msg("no section %u", kind);
    return NULL;
}

static void header(void **state)
{
    image_spec spec = spec_of(IMAGE_SW_EMU);
    size_t size, kernels;
    uint8_t *bytes = make(&spec, &size);
    image_about about;
    p_err err = {0};
    (void)state;

    assert_memory_equal(bytes, "xclbin2", 8);
    assert_int_equal(image_read(bytes, size, &about, &err), P_OK);
    assert_int_equal(about.mode, IMAGE_SW_EMU);
    assert_string_equal(about.platform, IMAGE_PLATFORM);
    assert_memory_equal(section(bytes, BITSTREAM, &kernels), KERNELS, sizeof KERNELS);
    assert_int_equal(kernels, sizeof KERNELS);
    /* what is no xclbin */
    assert_int_equal(image_read(bytes, size - 1, &about, &err), P_ECORRUPT);
    assert_int_equal(image_read(bytes, 100, &about, &err), P_ECORRUPT);
    bytes[0] ^= 1;
    assert_int_equal(image_read(bytes, size, &about, &err), P_ECORRUPT);
    free(bytes);
}

/* Every unit is in IP_LAYOUT at its address; every pointer of it is connected to the channel of its
 * side; offsets of the registers are Vitis'. */
static void units_and_connections(void **state)
{
    (void)state;

    for (uint32_t k = 0; k <= 4; k++) {
        image_spec spec = spec_of(IMAGE_SW_EMU);
        size_t size, ip_size, xml_size, connectivity_size, memory_size, at = 0;
        const uint8_t *xml, *ip, *connections, *memory;
        metadata *m = malloc(sizeof *m);
        p_err err = {0};
        uint8_t *bytes;
        int32_t count;

        assert_non_null(m);
        spec.channels_log2 = k;
        bytes = make(&spec, &size);
        xml = section(bytes, EMBEDDED_METADATA, &xml_size);
        assert_int_equal(metadata_read((const char *)xml, xml_size, m, &err), P_OK);
        ip = section(bytes, IP_LAYOUT, &ip_size);
        connections = section(bytes, CONNECTIVITY, &connectivity_size);
        memory = section(bytes, MEM_TOPOLOGY, &memory_size);
        memcpy(&count, memory, sizeof count);
        assert_int_equal(count, 32);
        assert_int_equal(memory_size,
                         offsetof(struct mem_topology, m_mem_data) + 32 * sizeof(struct mem_data));
        for (int i = 0; i < 32; i++) {
            struct mem_data bank;

            memcpy(&bank, memory + offsetof(struct mem_topology, m_mem_data) + i * sizeof bank,
                   sizeof bank);
            assert_int_equal(bank.m_type, MEM_HBM);
            assert_true(bank.m_size == 128 << 10);
            assert_true(bank.m_base_address == (uint64_t)i << 27);
        }
        assert_int_equal(m->kernels, IMAGE_KERNELS);
        assert_int_equal(m->units, IMAGE_KERNELS + 1);
        for (uint32_t u = 0; u < m->units; u++) {
            const image_kernel *kernel = image_kernel_get(m->unit[u].kernel);
            const metadata_kernel *found = &m->kernel[m->unit[u].kernel];
            uint32_t id = 0, offset = 0x10;
            struct ip_data about;
            char name[64];

            assert_string_equal(found->name, kernel->name);
            memcpy(&about, ip + offsetof(struct ip_layout, m_ip_data) + u * sizeof about,
                   sizeof about);
            assert_true(snprintf(name, sizeof name, "%s:%s", found->name, m->unit[u].name) > 0);
            assert_string_equal((const char *)about.m_name, name);
            assert_true(about.m_base_address == m->unit[u].base);
            for (uint32_t i = 0; i < kernel->count; i++) {
                uint32_t parts = kernel->args[i].type == 'R' ? 1u << k : 1;

                for (uint32_t c = 0; c < parts; c++, id++) {
                    bool wide = kernel->args[i].type != 'W', pointer = kernel->args[i].type == 'R';

                    assert_int_equal(found->arg[id].offset, offset);
                    assert_int_equal(found->arg[id].bytes, wide ? 8 : 4);
                    assert_int_equal(found->arg[id].pointer, pointer);
                    offset += wide ? 12 : 8;
                    if (pointer) {
                        struct connection to;

                        memcpy(&to,
                               connections + offsetof(struct connectivity, m_connection) +
                                   at++ * sizeof to,
                               sizeof to);
                        assert_int_equal(to.arg_index, id);
                        assert_int_equal(to.m_ip_layout_index, u);
                        assert_int_equal(to.mem_data_index,
                                         c + (strcmp(kernel->args[i].name, "tmp") ? 0 : 16));
                    }
                }
            }
            assert_int_equal(found->args, id);
        }
        memcpy(&count, connections, sizeof count);
        assert_int_equal(count, at);
        free(bytes);
        free(m);
    }
}

/* Every tag of the XML is closed in order: no parser of ours or of a library is needed for that. */
static void xml_is_well_formed(void **state)
{
    image_spec spec = spec_of(IMAGE_HW_EMU);
    size_t size, depth = 0, tags = 0;
    char *xml, open[16][32];
    p_err err = {0};
    (void)state;

    assert_int_equal(image_xml(&spec, &xml, &size, &err), P_OK);
    assert_int_equal(strlen(xml), size);
    for (const char *at = strstr(xml, "?>") + 2; (at = strchr(at, '<')) != NULL; tags++) {
        const char *end = strchr(at, '>');
        size_t name;

        assert_non_null(end);
        assert_null(memchr(at + 1, '<', (size_t)(end - at - 1)));
        if (at[1] == '/') {
            assert_true(depth > 0);
            depth--;
            assert_int_equal(strlen(open[depth]), end - at - 2);
            assert_memory_equal(at + 2, open[depth], (size_t)(end - at - 2));
        } else if (end[-1] != '/') {
            name = strcspn(at + 1, " >");
            assert_true(depth < 16 && name < 32);
            memcpy(open[depth], at + 1, name);
            open[depth++][name] = 0;
        }
        at = end;
    }
    assert_int_equal(depth, 0);
    assert_true(tags > 500);
    free(xml);
}

static void uuid_follows_content(void **state)
{
    image_spec spec = spec_of(IMAGE_SW_EMU), other;
    size_t size;
    uint8_t *bytes = make(&spec, &size), *again = make(&spec, &size);
    image_about first, about;
    p_err err = {0};
    (void)state;

    assert_memory_equal(bytes, again, size); /* the same for the same content */
    assert_int_equal(image_read(bytes, size, &first, &err), P_OK);
    free(bytes);
    free(again);
    for (int i = 0; i < 4; i++) {
        const char *kernels = i == 3 ? "other kernels" : KERNELS;

        other = spec;
        other.units[IMAGE_fr_ntt] += i == 0;
        other.channel_mib += i == 1;
        other.platform = i == 2 ? "other_platform" : spec.platform;
        assert_int_equal(image_make(&other, kernels, strlen(kernels) + 1, &bytes, &size, &err),
                         P_OK);
        assert_int_equal(image_read(bytes, size, &about, &err), P_OK);
        assert_memory_not_equal(first.uuid, about.uuid, sizeof about.uuid);
        free(bytes);
    }
}

static void wrong_specs(void **state)
{
    (void)state;

    for (int i = 0; i < 7; i++) {
        image_spec spec = spec_of(IMAGE_SW_EMU);
        p_err err = {0};
        uint8_t *bytes;
        size_t size;

        if (i == 0)
            memset(spec.units, 0, sizeof spec.units);
        if (i == 1)
            spec.units[0] = IMAGE_MAX_UNITS + 1;
        if (i == 2)
            spec.units[0] = spec.units[1] = spec.units[2] = IMAGE_MAX_UNITS;
        if (i == 3)
            spec.channels_log2 = 5;
        if (i == 4)
            spec.channel_mib = 0;
        if (i == 5)
            spec.mode = IMAGE_HW;
        if (i == 6)
            spec.platform = "a_platform_with_a_name_that_does_not_fit_into_the_64_bytes_it_has";
        assert_int_equal(image_make(&spec, KERNELS, 1, &bytes, &size, &err), P_EINVAL);
        assert_null(bytes);
        assert_true(err.text[0] != 0);
    }
}

/* unzip itself tests the archive (its CRC too) */
static void archive(void **state)
{
    image_spec spec = spec_of(IMAGE_HW_EMU);
    char path[] = "/tmp/cardmodel-zip-XXXXXX", command[128];
    size_t size, zip_size;
    uint8_t *bytes = make(&spec, &size);
    const uint8_t *zip = section(bytes, BITSTREAM, &zip_size);
    int fd = mkstemp(path);
    FILE *file;
    (void)state;

    if (system("unzip -v >/dev/null 2>&1") != 0)
        skip();
    assert_true(fd >= 0);
    file = fdopen(fd, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(zip, 1, zip_size, file), zip_size);
    fclose(file);
    snprintf(command, sizeof command,
             "unzip -tqq %s && unzip -p %s behav_waveform/xsim/simulate.sh | grep -q '^exec '",
             path, path);
    assert_int_equal(system(command), 0);
    remove(path);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header),
        cmocka_unit_test(units_and_connections),
        cmocka_unit_test(xml_is_well_formed),
        cmocka_unit_test(uuid_follows_content),
        cmocka_unit_test(wrong_specs),
        cmocka_unit_test(archive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
