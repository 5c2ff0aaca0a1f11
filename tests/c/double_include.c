/* The header alone, twice, as the first thing of a unit; and from a second unit. */
#include "jotrack.h"
#include "jotrack.h"

#include <stdio.h>

uint32_t version_of_the_other_unit(void);

int main(void)
{
    if (jotrack_version_number() != version_of_the_other_unit())
        return 1;
    puts("double_include: ok");
    return 0;
}
