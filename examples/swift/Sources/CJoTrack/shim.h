/* The installed header, wherever pkg-config or -I finds it. */
#include <jotrack.h>
