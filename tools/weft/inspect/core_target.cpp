// A core file (ELF, as the kernel and gdb's gcore write them): its segments, and for what they leave out, pages of program
// files that were never written, the files themselves.
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "inspect/target.h"
#include "inspect/thread_registers.h"

namespace weft::tool {
namespace {

class mapped_bytes {
 public:
  explicit mapped_bytes(const std::string& path) {
    errno = 0;  // what it says afterwards is why there are no bytes; 0: the file is empty
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    struct stat file {};
    if (::fstat(fd, &file) == 0 && file.st_size > 0) {
      void* at = ::mmap(nullptr, static_cast<std::size_t>(file.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
      if (at != MAP_FAILED) bytes_ = {static_cast<const std::byte*>(at), static_cast<std::size_t>(file.st_size)};
    }
    ::close(fd);
  }
  ~mapped_bytes() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
  mapped_bytes(const mapped_bytes&) = delete;
  mapped_bytes& operator=(const mapped_bytes&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  bool copy(std::uint64_t offset, void* into, std::size_t bytes) const {
    if (offset > bytes_.size() || bytes > bytes_.size() - offset) return false;
    std::memcpy(into, bytes_.data() + offset, bytes);
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
};

class core_target final : public target {
 public:
  explicit core_target(const std::string& path) : path_(path), core_(path) {
    if (core_.size() == 0)
      throw inspection_error("cannot read " + path + ": " + (errno ? std::strerror(errno) : "it is empty"));
    Elf64_Ehdr head;
    if (!core_.copy(0, &head, sizeof head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_type != ET_CORE || head.e_ident[EI_CLASS] != ELFCLASS64)
      throw inspection_error(path + " is not a core file");
#if defined(__x86_64__)
    constexpr unsigned own_machine = EM_X86_64;
#else
    constexpr unsigned own_machine = EM_AARCH64;
#endif
    if (head.e_machine != own_machine) throw inspection_error(path + " is a core file of another CPU");
    load(head);
  }

  using target::read;
  void read(std::span<piece> pieces) override {
    for (piece& p : pieces) p.is_read = read_one(p.at, static_cast<std::byte*>(p.into), p.bytes);
  }
  const std::vector<mapped_file>& files() const override { return files_; }
  std::optional<std::int64_t> now_ns() const override { return std::nullopt; }
  debug::whose whose_addresses() const override { return debug::whose::core_file(path_, program()); }

  thread_look look_at_thread(int id, std::uint64_t top) override {
    thread_look look;
    const auto found = threads_.find(id);
    if (found == threads_.end()) {
      look.problem = "thread " + std::to_string(id) + " is not in the core file";
      return look;
    }
    look.registers = found->second;
    const std::uint64_t sp = look.registers.value[arch::registers::sp];
    look.stack = stack(sp, std::max(top, sp));
    return look;
  }

  std::string title() const override { return "core file " + path_ + (name_.empty() ? "" : " (" + name_ + ")"); }

 private:
  void load(const Elf64_Ehdr& head) {
    std::uint64_t count = head.e_phnum;
    if (Elf64_Shdr first; count == PN_XNUM && core_.copy(head.e_shoff, &first, sizeof first)) count = first.sh_info;
    for (std::uint64_t i = 0; i < count; ++i) {
      Elf64_Phdr segment;
      if (!core_.copy(head.e_phoff + i * sizeof segment, &segment, sizeof segment)) break;
      if (segment.p_type == PT_LOAD && segment.p_filesz != 0) segments_.push_back(segment);
      if (segment.p_type == PT_NOTE) load_notes(segment.p_offset, segment.p_filesz);
    }
    std::ranges::sort(segments_, {}, &Elf64_Phdr::p_vaddr);
    if (segments_.empty()) throw inspection_error(path_ + " holds no memory: it was cut short (ulimit -c)");
  }

  void load_notes(std::uint64_t at, std::uint64_t bytes) {
    for (const std::uint64_t end = at + bytes; at + sizeof(Elf64_Nhdr) <= end;) {
      Elf64_Nhdr note;
      if (!core_.copy(at, &note, sizeof note)) return;
      const std::uint64_t content = at + sizeof note + (note.n_namesz + 3) / 4 * 4;
      if (prstatus_t thread;
          note.n_type == NT_PRSTATUS && note.n_descsz == sizeof thread && core_.copy(content, &thread, sizeof thread)) {
        user_regs_struct user;
        static_assert(sizeof user == sizeof thread.pr_reg);
        std::memcpy(&user, &thread.pr_reg, sizeof user);
        threads_.emplace(thread.pr_pid, registers_of(user));
      }
      if (note.n_type == NT_FILE) load_files(content, note.n_descsz);
      if (prpsinfo_t process; note.n_type == NT_PRPSINFO && note.n_descsz == sizeof process &&
                              core_.copy(content, &process, sizeof process))
        name_.assign(process.pr_fname, ::strnlen(process.pr_fname, sizeof process.pr_fname));
      at = content + (note.n_descsz + 3) / 4 * 4;
    }
  }

  // The program's own file: of the mapped ones the first that has the process's name, of which the kernel keeps 15 bytes.
  std::string program() const {
    for (const mapped_file& file : files_)
      if (file.path.substr(file.path.rfind('/') + 1).starts_with(name_)) return file.path;
    return files_.empty() ? "" : files_.front().path;
  }

  // NT_FILE: count, page size; count times start, end, offset in pages; then the paths.
  void load_files(std::uint64_t at, std::uint64_t bytes) {
    std::uint64_t head[2];
    if (!core_.copy(at, head, sizeof head) || head[0] > bytes / 24) return;
    std::uint64_t path_at = at + 16 + head[0] * 24;
    for (std::uint64_t i = 0; i < head[0]; ++i) {
      std::uint64_t range[3];
      if (!core_.copy(at + 16 + i * 24, range, sizeof range)) return;
      std::string path;
      for (char c; core_.copy(path_at++, &c, 1) && c != '\0';) path += c;
      files_.push_back({range[0], range[1], range[2] * head[1], path});
    }
  }

  bool read_one(std::uint64_t at, std::byte* into, std::size_t bytes) {
    while (bytes != 0) {
      const std::size_t got = read_from_segment(at, into, bytes);
      const std::size_t part = got != 0 ? got : read_from_file(at, into, bytes);
      if (part == 0) return false;
      at += part, into += part, bytes -= part;
    }
    return true;
  }

  std::size_t read_from_segment(std::uint64_t at, void* into, std::size_t bytes) const {
    auto next = std::ranges::upper_bound(segments_, at, {}, &Elf64_Phdr::p_vaddr);
    if (next == segments_.begin()) return 0;
    const Elf64_Phdr& home = *--next;
    if (at - home.p_vaddr >= home.p_filesz) return 0;
    const std::size_t part = std::min<std::uint64_t>(bytes, home.p_filesz - (at - home.p_vaddr));
    return core_.copy(home.p_offset + (at - home.p_vaddr), into, part) ? part : 0;
  }

  std::size_t read_from_file(std::uint64_t at, void* into, std::size_t bytes) {
    for (const mapped_file& file : files_) {
      if (at < file.start || at >= file.end) continue;
      const std::size_t part = std::min<std::uint64_t>(bytes, file.end - at);
      auto& content = contents_[file.path];
      if (!content) content = std::make_unique<mapped_bytes>(file.path);
      return content->copy(file.offset + (at - file.start), into, part) ? part : 0;
    }
    return 0;
  }

  std::string path_, name_;
  mapped_bytes core_;
  std::vector<Elf64_Phdr> segments_;
  std::vector<mapped_file> files_;
  std::map<std::string, std::unique_ptr<mapped_bytes>> contents_;
  std::map<int, arch::registers> threads_;
};

}  // namespace

std::unique_ptr<target> open_core(const std::string& path) { return std::make_unique<core_target>(path); }

}  // namespace weft::tool
