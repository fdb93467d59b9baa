// Loaded in front of the C library, it makes one process's wall clock wrong by SWELL_TEST_CLOCK_SHIFT seconds.
// Other clocks stay right, as do lengths of time: what libfaketime 0.9.10 does to absolute timers makes every sleep wrong too.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift(void) {
    const char *text = getenv("SWELL_TEST_CLOCK_SHIFT");
    return text ? (time_t)atol(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *moment) {
    int result = (int)syscall(SYS_clock_gettime, clock, moment);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) moment->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *moment, void *zone) {
    int result = (int)syscall(SYS_gettimeofday, moment, zone);
    if (result == 0) moment->tv_sec += shift();
    return result;
}

time_t time(time_t *moment) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (moment) *moment = now.tv_sec;
    return now.tv_sec;
}
