/* The second unit of double_include.c: the header defines nothing that would clash. */
#include "jotrack.h"

uint32_t version_of_the_other_unit(void);

uint32_t version_of_the_other_unit(void)
{
    return jotrack_version_number();
}
