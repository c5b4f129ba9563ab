#include "host/rpc/peers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct rpc_peers {
    unsigned max_calls;
    rpc_peer *buckets[BUCKETS];
};

rpc_peers *rpc_peers_create(unsigned max_calls)
{
    rpc_peers *p = calloc(1, sizeof *p);
    if (p)
        p->max_calls = max_calls;
    return p;
}

void rpc_peers_destroy(rpc_peers *p)
{
    for (size_t i = 0; p && i < BUCKETS; i++)
        while (p->buckets[i]) {
            rpc_peer *next = p->buckets[i]->next;
            free(p->buckets[i]);
            p->buckets[i] = next;
        }
    free(p);
}

/** The address between "ipv6:" and the port, without (percent-encoded) brackets and zone. */
static void address_of(char out[64], const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text), n = 0;
    for (size_t i = 0; i < len && n < 63; i++) {
        if (!strncmp(text + i, "%5B", 3) || !strncmp(text + i, "%5D", 3)) {
            i += 2;
            continue;
        }
        if (text[i] == '%')
            break;
        if (text[i] != '[' && text[i] != ']')
            out[n++] = text[i];
    }
    out[n] = 0;
}

void rpc_peers_name(char out[64], const char *peer)
{
    char address[64];
    struct in6_addr v6;
    struct in_addr v4;
    snprintf(out, 64, "local");
    if (!peer)
        return;
    if (!strncmp(peer, "ipv4:", 5)) {
        address_of(address, peer + 5);
        if (inet_pton(AF_INET, address, &v4) == 1)
            snprintf(out, 64, "%s", address);
    } else if (!strncmp(peer, "ipv6:", 5)) {
        address_of(address, peer + 5);
        if (inet_pton(AF_INET6, address, &v6) != 1)
            return;
        if (IN6_IS_ADDR_V4MAPPED(&v6)) {
            inet_ntop(AF_INET, &v6.s6_addr[12], out, 64);
            return;
        }
        memset(&v6.s6_addr[8], 0, 8);
        inet_ntop(AF_INET6, &v6, address, sizeof address);
        snprintf(out, 64, "%.58s/64", address);
    }
}

static rpc_peer **bucket_of(rpc_peers *p, const char *name)
{
    unsigned hash = 2166136261u; /* FNV-1a; the table has no more entries than there are calls */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return &p->buckets[hash % BUCKETS];
}

p_status rpc_peers_enter(rpc_peers *p, const char *peer, rpc_peer **out, char *why, size_t why_size)
{
    char name[64];
    *out = NULL;
    rpc_peers_name(name, peer);
    rpc_peer **bucket = bucket_of(p, name), *found = *bucket;
    while (found && strcmp(found->name, name))
        found = found->next;
    if (found && p->max_calls && found->calls >= p->max_calls) {
        snprintf(why, why_size,
                 "%u calls of this client's address are running, which is the server's limit for "
                 "one address",
                 found->calls);
        return P_EEXHAUSTED;
    }
    if (!found) {
        found = calloc(1, sizeof *found);
        if (!found) {
            snprintf(why, why_size, "out of memory");
            return P_EEXHAUSTED;
        }
        atomic_init(&found->inflight, 0);
        memcpy(found->name, name, sizeof name);
        found->next = *bucket;
        *bucket = found;
    }
    found->calls++;
    *out = found;
    return P_OK;
}

void rpc_peers_leave(rpc_peers *p, rpc_peer *peer)
{
    if (!peer || --peer->calls)
        return;
    rpc_peer **at = bucket_of(p, peer->name);
    while (*at != peer)
        at = &(*at)->next;
    *at = peer->next;
    free(peer);
}
