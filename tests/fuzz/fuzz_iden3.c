/* Input: a .zkey, .wtns or .ptau file. Reading it, its coefficients and its points ends with
 * success or with an error that says why. */
#define _GNU_SOURCE /* memfd_create */
#include "host/groth16/zkey.h"
#include "host/iden3/ptau.h"
#include "host/iden3/wtns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(p_status status, const p_err *err)
{
    if (status != P_OK && (err->status != status || !strstr(err->text, "fuzz"))) {
        fprintf(stderr, "fuzz: status %d without a reason: %s\n", (int)status, err->text);
        abort();
    }
}

static int file_of(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    return fd;
}

static void read_key(int fd)
{
    zkey z;
    p_err err = {0};
    p_status s = zkey_adopt(&z, fd, "fuzz.zkey", &err);
    binfile_cursor *c = malloc(sizeof *c);

    check(s, &err);
    if (s == P_OK) {
        const uint8_t *p;

        binfile_cursor_init(c, &z.file, z.coefficients);
        check(binfile_next(c, 4, &p, &err), &err);
        for (uint32_t i = 0; i < z.n_coefficients && s == P_OK; i++) {
            zkey_coefficient k;

            check(binfile_next(c, ZKEY_COEFFICIENT_BYTES, &p, &err), &err);
            s = zkey_coefficient_get(&z, i, p, &k, &err);
            check(s, &err);
            if (s == P_OK && (k.matrix > 1 || k.row >> z.domain_log2 || k.wire >= z.n_wires))
                abort();
        }
        for (int i = 0; i < ZKEY_POINTS; i++) {
            void *points = malloc(z.points[i]->size + 1);

            if (points)
                check(zkey_read_points(&z, (zkey_points)i, 0, zkey_points_count(&z, (zkey_points)i),
                                       points, &err),
                      &err);
            free(points);
        }
        zkey_close(&z);
    }
    free(c);
}

static void read_witness(int fd)
{
    wtns w;
    p_err err = {0};
    p_status s = wtns_adopt(&w, fd, "fuzz.wtns", &err);
    uint64_t *values;

    check(s, &err);
    if (s != P_OK)
        return;
    values = malloc((size_t)w.count * 32);
    if (values)
        check(wtns_read(&w, values, &err), &err);
    free(values);
    wtns_close(&w);
}

static void read_powers(int fd)
{
    ptau p;
    p_err err = {0};
    p_status s = ptau_adopt(&p, fd, "fuzz.ptau", &err);
    bn_g2 *points;

    check(s, &err);
    if (s != P_OK)
        return;
    points = malloc(((size_t)2 << p.power) * sizeof *points); /* the file is as long */
    for (int i = 0; i < PTAU_SERIES && points; i++) {
        check(ptau_read(&p, (ptau_series)i, 0, UINT64_C(1) << p.power, points, &err), &err);
        for (uint32_t log2 = 0; log2 <= p.power; log2++)
            check(
                ptau_read_lagrange(&p, (ptau_series)i, log2, 0, UINT64_C(1) << log2, points, &err),
                &err);
    }
    free(points);
    ptau_close(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_key(file_of(data, size));
    read_witness(file_of(data, size));
    read_powers(file_of(data, size));
    return 0;
}
