/* A disk that fails at will, put between the program and the C library with LD_PRELOAD.
 *
 * Calls that change what is on the disk are counted, on all threads together. At the call FAULT_AT (from 1) it does
 * FAULT_MODE:
 *   kill      the process is gone before the call; every other time half of a write is on the disk
 *   eio       this call fails with EIO
 *   eio-ever  this call and all that follow fail with EIO
 *   enospc    this call and all that follow and need room fail with ENOSPC
 *   short     half of a write is written, and said to be
 *   power     the file system of the folder FAULT_MOUNT loses what was not synced, and the process is gone
 *   fill      somebody else fills that file system: FAULT_BYTES are left free, or where FAULT_NAMES is set, so many inodes
 * A file of the name FAULT_STRUCK is made when that happens: a command can be over before its call comes.
 * With FAULT_LIE set, syncs do nothing and succeed: a disk that lies, for tests of the tests.
 * Without FAULT_AT it only counts. The number of calls is written to the file FAULT_COUNT when the process ends.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { NONE, KILL, EIO_ONCE, EIO_EVER, ENOSPC_EVER, SHORT, POWER, FILL };
enum deed { PASS, FAIL, HALF, HALF_AND_DIE };

static atomic_long calls;
static long at = -1;
static enum mode mode = NONE;
static int lies;

/* ext4's and XFS's way to stop a file system at once; 2: not even its journal is written. */
#define FS_IOC_SHUTDOWN _IOR('X', 125, unsigned)
/* What the harness itself does to the disk is not counted. */
#define RAW_OPEN(path, flags) (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0644)
/* No fault can be made here: the harness is broken, not the program. */
#define NO_FAULT_CAN_BE_MADE 99

__attribute__((constructor)) static void begin(void) {
    const char *names[] = {"", "kill", "eio", "eio-ever", "enospc", "short", "power", "fill"};
    const char *wanted = getenv("FAULT_MODE"), *number = getenv("FAULT_AT");
    for (int i = 1; wanted && i < 8; i++)
        if (!strcmp(wanted, names[i])) mode = (enum mode)i;
    if (number) at = atol(number);
    lies = getenv("FAULT_LIE") != NULL;
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("FAULT_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        long counted = atomic_load(&calls);
        fprintf(file, "%ld\n", counted);
        fclose(file);
    }
}

static _Noreturn void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void fill(const char *mount) {
    const char *bytes = getenv("FAULT_BYTES"), *names = getenv("FAULT_NAMES");
    struct statvfs disk;
    char path[4096];
    if (!mount || statvfs(mount, &disk)) _exit(NO_FAULT_CAN_BE_MADE);
    snprintf(path, sizeof path, "%s/filler", mount);
    if (names) {
        if (syscall(SYS_mkdirat, AT_FDCWD, path, 0755) && errno != EEXIST) _exit(NO_FAULT_CAN_BE_MADE);
        for (long i = 0; !statvfs(mount, &disk) && (long)disk.f_favail > atol(names); i++) {
            snprintf(path, sizeof path, "%s/filler/%ld", mount, i);
            int file = RAW_OPEN(path, O_CREAT | O_WRONLY);
            if (file < 0) return;
            close(file);
        }
        return;
    }
    int file = RAW_OPEN(path, O_CREAT | O_WRONLY);
    off_t left = bytes ? atoll(bytes) : 0, room = (off_t)disk.f_bavail * (off_t)disk.f_frsize;
    /* The file's own blocks for finding its blocks take some of what is to be left. */
    if (file < 0 || (room > left && syscall(SYS_fallocate, file, 0, 0, room - left) && errno != ENOSPC)) _exit(NO_FAULT_CAN_BE_MADE);
    close(file);
}

/* `needs_room`: a full disk refuses it. `is_write`: it can be done by half. */
static enum deed count(int needs_room, int is_write) {
    long n = atomic_fetch_add(&calls, 1) + 1;
    if (at < 1 || n < at) return PASS;
    const char *mount = getenv("FAULT_MOUNT"), *struck = getenv("FAULT_STRUCK");
    if (n == at && struck) close(RAW_OPEN(struck, O_CREAT | O_WRONLY));
    switch (mode) {
    case KILL:
        if (n > at) return PASS; /* dying already */
        if (is_write && n % 2) return HALF_AND_DIE;
        die();
    case EIO_ONCE:
        if (n > at) return PASS;
        errno = EIO;
        return FAIL;
    case EIO_EVER:
        errno = EIO;
        return FAIL;
    case ENOSPC_EVER:
        if (!needs_room) return PASS;
        errno = ENOSPC;
        return FAIL;
    case POWER: {
        if (n > at) return PASS; /* dying already */
        int folder = mount ? RAW_OPEN(mount, O_RDONLY | O_DIRECTORY) : -1;
        unsigned how = 2;
        if (folder < 0 || ioctl(folder, FS_IOC_SHUTDOWN, &how)) _exit(NO_FAULT_CAN_BE_MADE);
        die();
    }
    case FILL:
        if (n == at) fill(mount);
        return PASS;
    case SHORT: return n == at && is_write ? HALF : PASS;
    default: return PASS;
    }
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, #name)

/* Standard streams are not the disk. */
#define STREAM(fd) ((fd) <= 2)

ssize_t write(int fd, const void *bytes, size_t len) {
    REAL(write);
    if (STREAM(fd)) return real(fd, bytes, len);
    switch (count(1, 1)) {
    case FAIL: return -1;
    case HALF: return real(fd, bytes, len > 1 ? len / 2 : len);
    case HALF_AND_DIE: real(fd, bytes, len / 2); die();
    default: return real(fd, bytes, len);
    }
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(writev);
    if (STREAM(fd)) return real(fd, parts, n);
    switch (count(1, 1)) {
    case FAIL: return -1;
    case HALF: return real(fd, parts, n > 1 ? n / 2 : n);
    case HALF_AND_DIE: real(fd, parts, n / 2); die();
    default: return real(fd, parts, n);
    }
}

static ssize_t pwrite_with(ssize_t (*real)(int, const void *, size_t, off_t), int fd, const void *bytes, size_t len, off_t from) {
    switch (count(1, 1)) {
    case FAIL: return -1;
    case HALF: return real(fd, bytes, len > 1 ? len / 2 : len, from);
    case HALF_AND_DIE: real(fd, bytes, len / 2, from); die();
    default: return real(fd, bytes, len, from);
    }
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t from) {
    REAL(pwrite);
    return pwrite_with(real, fd, bytes, len, from);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t from) {
    REAL(pwrite64);
    return pwrite_with(real, fd, bytes, len, from);
}

/* A file that may be made. */
#define OPEN(name, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        int makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE; \
        mode_t as = 0; \
        if (makes) { \
            va_list more; \
            va_start(more, flags); \
            as = va_arg(more, mode_t); \
            va_end(more); \
            if (count(1, 0) == FAIL) return -1; \
        } \
        return real arguments; \
    }

OPEN(open, (const char *path, int flags, ...), (path, flags, as))
OPEN(open64, (const char *path, int flags, ...), (path, flags, as))
OPEN(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, as))
OPEN(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, as))

/* Each returns 0, or -1 with errno. */
#define COUNTED(name, needs_room, parameters, arguments) \
    int name parameters { \
        REAL(name); \
        return count(needs_room, 0) == FAIL ? -1 : real arguments; \
    }

#define SYNC(name) \
    int name(int fd) { \
        REAL(name); \
        if (count(0, 0) == FAIL) return -1; \
        return lies ? 0 : real(fd); \
    }

SYNC(fsync)
SYNC(fdatasync)
SYNC(syncfs)
COUNTED(ftruncate, 0, (int fd, off_t len), (fd, len))
COUNTED(ftruncate64, 0, (int fd, off64_t len), (fd, len))
COUNTED(fallocate, 1, (int fd, int how, off_t from, off_t len), (fd, how, from, len))
COUNTED(fallocate64, 1, (int fd, int how, off64_t from, off64_t len), (fd, how, from, len))
COUNTED(rename, 0, (const char *from, const char *to), (from, to))
COUNTED(link, 1, (const char *from, const char *to), (from, to))
COUNTED(symlink, 1, (const char *what, const char *at_path), (what, at_path))
COUNTED(unlink, 0, (const char *path), (path))
COUNTED(unlinkat, 0, (int folder, const char *path, int how), (folder, path, how))
COUNTED(rmdir, 0, (const char *path), (path))
COUNTED(mkdir, 1, (const char *path, mode_t as), (path, as))
