/* Preloaded into a daemon, makes the disk below SICKDISK_ROOT sick, as the kernel would show it.

   While SICKDISK_ROOT.readonly exists every change is refused with EROFS, as after an emergency remount.
   While SICKDISK_ROOT.slow exists each fsync takes 0.4 s longer.
   cc -shared -fPIC -o sickdisk.so sickdisk.c -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int armed(const char *word) {
    char path[4096];
    const char *root = getenv("SICKDISK_ROOT");
    if (!root) return 0;
    snprintf(path, sizeof path, "%s.%s", root, word);
    return access(path, F_OK) == 0;
}

static int below(const char *path) {
    const char *root = getenv("SICKDISK_ROOT");
    return root && !strncmp(path, root, strlen(root)) && path[strlen(root)] == '/';
}

static int refused_path(const char *path) {
    if (!below(path) || !armed("readonly")) return 0;
    errno = EROFS;
    return 1;
}

static int refused(int fd) {
    char link[64], path[4096];
    if (!armed("readonly")) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return refused_path(path);
}

static void slow(void) {
    if (armed("slow")) usleep(400000);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENS(name)                                                                  \
    int name(const char *path, int flags, ...) {                                     \
        va_list more;                                                                \
        va_start(more, flags);                                                       \
        mode_t mode = va_arg(more, mode_t);                                          \
        va_end(more);                                                                \
        if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && refused_path(path)) return -1; \
        return REAL(name)(path, flags, mode);                                        \
    }
OPENS(open)
OPENS(open64)

ssize_t write(int fd, const void *from, size_t size) {
    return refused(fd) ? -1 : REAL(write)(fd, from, size);
}
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
    return refused(fd) ? -1 : REAL(pwrite)(fd, from, size, at);
}
ssize_t pwrite64(int fd, const void *from, size_t size, off64_t at) {
    return refused(fd) ? -1 : REAL(pwrite64)(fd, from, size, at);
}
int ftruncate(int fd, off_t size) { return refused(fd) ? -1 : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return refused(fd) ? -1 : REAL(ftruncate64)(fd, size); }
int posix_fallocate(int fd, off_t at, off_t size) { return refused(fd) ? EROFS : REAL(posix_fallocate)(fd, at, size); }
int posix_fallocate64(int fd, off64_t at, off64_t size) { return refused(fd) ? EROFS : REAL(posix_fallocate64)(fd, at, size); }
int rename(const char *from, const char *to) { return refused_path(to) ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return refused_path(path) ? -1 : REAL(unlink)(path); }
int mkdir(const char *path, mode_t mode) { return refused_path(path) ? -1 : REAL(mkdir)(path, mode); }
int fsync(int fd) {
    slow();
    return refused(fd) ? -1 : REAL(fsync)(fd);
}
int fdatasync(int fd) {
    slow();
    return refused(fd) ? -1 : REAL(fdatasync)(fd);
}
