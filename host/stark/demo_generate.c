/* Writes the demonstration AIRs as C while the project is built. */
#include "host/air/generate.h"
#include "host/stark/demo.h"

int main(int argc, char **argv)
{
    static const air_definition *const all[] = {&demo_lookup, &demo_wide_100};

    return air_generate_main(argc, argv, all, sizeof(all) / sizeof(all[0]));
}
