#include "golden/engines/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ref/base/error.hpp"

namespace obz {
namespace {

/// Both ends of a pipe, closed on every way out.
struct Pipe {
  int read_end = -1, write_end = -1;

  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(fmt::format("cannot create a pipe: {}", std::strerror(errno)));
    read_end = ends[0];
    write_end = ends[1];
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_read();
    close_write();
  }
  void close_read() { close_end(read_end); }
  void close_write() { close_end(write_end); }

 private:
  static void close_end(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
};

/// The child's process group: ended and reaped however we leave.
class Group {
 public:
  explicit Group(pid_t pid) : pid_(pid) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    ::kill(-pid_, SIGKILL);  // what it may have left running
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

}  // namespace

ChildResult run_child(const std::string& command, const std::string& input, int timeout_s, std::size_t max_output) {
  std::signal(SIGPIPE, SIG_IGN);  // a child that stops reading is an Error here, not our end
  Pipe to_child, from_child;
  const pid_t pid = ::fork();
  if (pid < 0) throw Error(fmt::format("cannot start \"{}\": {}", command, std::strerror(errno)));
  if (pid == 0) {
    ::setpgid(0, 0);
    ::dup2(to_child.read_end, STDIN_FILENO);
    ::dup2(from_child.write_end, STDOUT_FILENO);
    std::signal(SIGPIPE, SIG_DFL);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::setpgid(pid, pid);
  Group group(pid);
  to_child.close_read();
  from_child.close_write();
  ::fcntl(to_child.write_end, F_SETFL, O_NONBLOCK);

  ChildResult result;
  std::size_t written = 0;
  if (input.empty()) to_child.close_write();
  char chunk[1 << 16];
  for (;;) {
    pollfd fds[2] = {{from_child.read_end, POLLIN, 0}, {to_child.write_end, POLLOUT, 0}};
    const int ready = ::poll(fds, to_child.write_end >= 0 ? 2 : 1, timeout_s * 1000);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      throw Error(fmt::format("\"{}\" made no progress for {} s after {} of {} input bytes and was ended", command,
                              timeout_s, written, input.size()));
    }
    if (to_child.write_end >= 0 && (fds[1].revents & (POLLOUT | POLLERR | POLLHUP)) != 0) {
      const ssize_t n = ::write(to_child.write_end, input.data() + written, input.size() - written);
      if (n > 0) written += static_cast<std::size_t>(n);
      if ((n < 0 && errno != EAGAIN) || written == input.size()) to_child.close_write();
    }
    if ((fds[0].revents & (POLLIN | POLLHUP)) != 0) {
      const ssize_t n = ::read(from_child.read_end, chunk, sizeof chunk);
      if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) break;
      if (n > 0) result.output.append(chunk, static_cast<std::size_t>(n));
      if (result.output.size() > max_output) {
        throw Error(fmt::format("\"{}\" wrote more than {} bytes and was ended", command, max_output));
      }
    }
  }
  to_child.close_write();
  result.exit_code = group.wait();
  return result;
}

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace obz
