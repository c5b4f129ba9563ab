#include "host/air/generate.h"

#include "tests/unit/air/random_air.h"

int main(int argc, char **argv)
{
    static const air_definition *const all[] = {&random_air};

    return air_generate_main(argc, argv, all, 1);
}
