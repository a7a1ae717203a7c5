#include "debug/symbols.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

#include "debug/dw_library.h"

#ifdef WEFT_HAS_LIBDW
#include <dwarf.h>
#endif

namespace weft::debug {

std::string demangled(const char* symbol) {
  if (!symbol) return {};
  const std::unique_ptr<char, void (*)(void*)> readable(abi::__cxa_demangle(symbol, nullptr, nullptr, nullptr), std::free);
  std::string name = readable ? readable.get() : symbol;
  // Marks of the compiler: [abi:cxx11], [clone .isra.0], the version of a C symbol.
  for (const char* mark : {"[abi:", " [clone "})
    for (std::size_t at; (at = name.find(mark)) != name.npos;) name.erase(at, name.find(']', at) + 1 - at);
  name.resize(std::min(name.size(), name.find('@')));
  return name;
}

namespace {

// By the dynamic symbols of this process: a function if it is exported, else the file and the offset in it, as addr2line
// wants it.
source_frame by_dynamic_symbols(std::uint64_t pc) {
  source_frame f;
  Dl_info found{};
  if (!::dladdr(reinterpret_cast<void*>(pc), &found) || !found.dli_fname) return f;
  f.file = found.dli_fname;
  if (char path[4096]; f.file == "/proc/self/exe")
    if (const ssize_t length = ::readlink(found.dli_fname, path, sizeof path); length > 0) f.file.assign(path, static_cast<std::size_t>(length));
  f.function = demangled(found.dli_sname);
  f.offset = pc - reinterpret_cast<std::uint64_t>(found.dli_sname ? found.dli_saddr : found.dli_fbase);
  return f;
}

}  // namespace

#ifdef WEFT_HAS_LIBDW

struct symboliser::library {
  explicit library(const whose& whom) : dw(*debug::dw()) {
    const bool is_core = !whom.core.empty();
    callbacks.find_elf = is_core ? dw.dwfl_build_id_find_elf : dw.dwfl_linux_proc_find_elf;
    callbacks.find_debuginfo = dw.dwfl_build_id_find_debuginfo;  // the standard one may ask servers
    session = dw.dwfl_begin(&callbacks);
    if (!session) return;
    dw.dwfl_report_begin(session);
    if (is_core) report_core(whom);
    else dw.dwfl_linux_proc_report(session, whom.pid ? whom.pid : ::getpid());
    dw.dwfl_report_end(session, nullptr, nullptr);
  }
  ~library() {
    if (session) dw.dwfl_end(session);
    if (core) dw.elf_end(core);
    if (core_descriptor >= 0) ::close(core_descriptor);
  }
  library(const library&) = delete;
  library& operator=(const library&) = delete;

  void report_core(const whose& whom) {
    dw.elf_version(EV_CURRENT);
    core_descriptor = ::open(whom.core.c_str(), O_RDONLY | O_CLOEXEC);
    if (core_descriptor >= 0) core = dw.elf_begin(core_descriptor, ELF_C_READ_MMAP, nullptr);
    if (core) dw.dwfl_core_file_report(session, core, whom.executable.empty() ? nullptr : whom.executable.c_str());
  }

  // Of functions that other files can call the linker's name is recorded, which has the types of the parameters.
  std::string name_of(Dwarf_Die* function) const {
    Dwarf_Attribute attribute;
    for (unsigned kind : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name})
      if (dw.dwarf_attr_integrate(function, kind, &attribute))
        if (const char* linked = dw.dwarf_formstring(&attribute)) return demangled(linked);
    return qualified_name(*function);
  }

  // Of the others, and of lambdas, the name is made up from what they are declared in.
  std::string qualified_name(Dwarf_Die function) const {
    Dwarf_Attribute attribute;
    for (unsigned kind : {DW_AT_abstract_origin, DW_AT_specification}) {
      Dwarf_Die declared;
      if (dw.dwarf_attr(&function, kind, &attribute) && dw.dwarf_formref_die(&attribute, &declared)) function = declared;
    }
    Dwarf_Die* scopes = nullptr;
    const int count = dw.dwarf_getscopes_die(&function, &scopes);
    const std::unique_ptr<Dwarf_Die, void (*)(void*)> owned(scopes, std::free);
    std::string name;
    for (int i = 0; i < count; ++i) {
      const int tag = dw.dwarf_tag(&scopes[i]);
      if (i > 0 && tag == DW_TAG_subprogram) return name_of(&scopes[i]) + "::" + name;
      if (i > 0 && tag != DW_TAG_namespace && tag != DW_TAG_class_type && tag != DW_TAG_structure_type) continue;
      const char* part = dw.dwarf_diename(&scopes[i]);
      if (!part && i == 0) return {};
      if (!part) part = tag == DW_TAG_namespace ? "(anonymous namespace)" : "(lambda)";
      name = name.empty() ? part : std::string(part) + "::" + name;
    }
    return name;
  }

  // Where an inlined function was called from.
  void call_site(Dwarf_Die* inlined, Dwarf_Die* unit, source_frame& caller) const {
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    Dwarf_Files* files;
    std::size_t count;
    if (dw.dwarf_attr(inlined, DW_AT_call_line, &attribute) && dw.dwarf_formudata(&attribute, &value) == 0)
      caller.line = static_cast<int>(value);
    if (dw.dwarf_attr(inlined, DW_AT_call_file, &attribute) && dw.dwarf_formudata(&attribute, &value) == 0 &&
        dw.dwarf_getsrcfiles(unit, &files, &count) == 0 && value < count)
      if (const char* file = dw.dwarf_filesrc(files, value, nullptr, nullptr)) caller.file = file;
  }

  void line_at(Dwarf_Die* unit, Dwarf_Addr pc, source_frame& frame) const {
    Dwarf_Line* const line = dw.dwarf_getsrc_die(unit, pc);
    if (!line || dw.dwarf_lineno(line, &frame.line) != 0) return;
    if (const char* file = dw.dwarf_linesrc(line, nullptr, nullptr)) frame.file = file;
  }

  // Where the functions of a unit are. Not by dwarf_getscopes: it does not find what is nested in something that has no
  // place itself, such as the body of a lambda in a function that is inlined everywhere.
  struct function_range {
    Dwarf_Addr low, high;
    Dwarf_Off die;
  };
  void collect(Dwarf_Die* parent, std::vector<function_range>& into) const {
    Dwarf_Die die;
    if (dw.dwarf_child(parent, &die) != 0) return;
    do {
      const int tag = dw.dwarf_tag(&die);
      if (tag == DW_TAG_subprogram) {
        Dwarf_Addr base, low, high;
        for (ptrdiff_t next = 0; (next = dw.dwarf_ranges(&die, next, &base, &low, &high)) > 0;)
          into.push_back({low, high, dw.dwarf_dieoffset(&die)});
      }
      if (tag == DW_TAG_subprogram || tag == DW_TAG_namespace || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
          tag == DW_TAG_union_type || tag == DW_TAG_lexical_block)
        collect(&die, into);
    } while (dw.dwarf_siblingof(&die, &die) == 0);
  }
  const std::vector<function_range>& functions_of(Dwarf_Die* unit) {
    auto [entry, is_new] = functions.try_emplace(unit->addr);
    if (is_new) {
      collect(unit, entry->second);
      std::sort(entry->second.begin(), entry->second.end(), [](auto& a, auto& b) { return a.low < b.low; });
    }
    return entry->second;
  }

  // The function at `pc`, then the one inlined into it there, and so on.
  void add_inlined(Dwarf_Die* parent, Dwarf_Addr pc, std::vector<Dwarf_Die>& chain) const {
    Dwarf_Die die;
    if (dw.dwarf_child(parent, &die) != 0) return;
    do {
      const int tag = dw.dwarf_tag(&die);
      if ((tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block) || dw.dwarf_haspc(&die, pc) <= 0) continue;
      if (tag == DW_TAG_inlined_subroutine) chain.push_back(die);
      return add_inlined(&die, pc, chain);
    } while (dw.dwarf_siblingof(&die, &die) == 0);
  }
  std::vector<Dwarf_Die> chain_at(Dwarf_Die* unit, Dwarf_Addr pc, Dwarf* dwarf) {
    const std::vector<function_range>& all = functions_of(unit);
    auto after = std::upper_bound(all.begin(), all.end(), pc, [](Dwarf_Addr at, const function_range& f) { return at < f.low; });
    std::vector<Dwarf_Die> chain;
    Dwarf_Die function;
    if (after == all.begin() || pc >= (--after)->high || !dw.dwarf_offdie(dwarf, after->die, &function)) return chain;
    chain.push_back(function);
    add_inlined(&function, pc, chain);
    return chain;
  }

  // The units of a module by address, for what Clang compiles: it writes no table of them (.debug_aranges), on which libdw's
  // own search relies.
  struct unit_range {
    Dwarf_Addr low, high, bias;
    Dwarf_Die unit;
  };
  const std::vector<unit_range>& units_of(Dwfl_Module* module) {
    auto [entry, is_new] = units.try_emplace(module);
    if (!is_new) return entry->second;
    Dwarf_Addr bias, base, low, high;
    for (Dwarf_Die* unit = nullptr; (unit = dw.dwfl_module_nextcu(module, unit, &bias));)
      for (ptrdiff_t next = 0; (next = dw.dwarf_ranges(unit, next, &base, &low, &high)) > 0;)
        entry->second.push_back({low, high, bias, *unit});
    std::sort(entry->second.begin(), entry->second.end(), [](auto& a, auto& b) { return a.low + a.bias < b.low + b.bias; });
    return entry->second;
  }
  std::optional<Dwarf_Die> unit_at(Dwfl_Module* module, Dwarf_Addr pc, Dwarf_Addr& bias) {
    if (Dwarf_Die* known = dw.dwfl_module_addrdie(module, pc, &bias)) return *known;
    const std::vector<unit_range>& all = units_of(module);
    auto after = std::upper_bound(all.begin(), all.end(), pc, [](Dwarf_Addr at, const unit_range& u) { return at < u.low + u.bias; });
    if (after == all.begin() || pc >= (--after)->high + after->bias) return std::nullopt;
    bias = after->bias;
    return after->unit;
  }

  // `frame` has the line of the innermost function and the symbol of the outermost.
  bool by_debug_information(Dwfl_Module* module, Dwarf_Addr pc, source_frame frame, std::vector<source_frame>& out) {
    const std::string symbol = frame.function;
    const std::uint64_t offset = frame.offset;
    Dwarf_Addr bias, ignored;
    std::optional<Dwarf_Die> unit = unit_at(module, pc, bias);
    if (!unit) return false;
    if (frame.file.empty()) line_at(&*unit, pc - bias, frame);
    std::vector<Dwarf_Die> chain = chain_at(&*unit, pc - bias, dw.dwfl_module_getdwarf(module, &ignored));
    if (chain.empty() && frame.line != 0) out.push_back(frame);
    for (std::size_t i = chain.size(); i-- > 0;) {
      frame.is_inlined = i != 0;
      frame.function = !frame.is_inlined && !symbol.empty() ? symbol : name_of(&chain[i]);
      // Compilers leave some instances of templates without a name.
      if (frame.function.empty()) frame.function = frame.is_inlined ? "(unnamed)" : "?";
      Dwarf_Addr entry;
      frame.offset = frame.is_inlined ? 0 : !symbol.empty() ? offset : dw.dwarf_entrypc(&chain[i], &entry) == 0 ? pc - bias - entry : 0;
      out.push_back(frame);
      frame = {};
      call_site(&chain[i], &*unit, frame);
    }
    return !out.empty();
  }

  std::vector<source_frame> look_up(std::uint64_t pc) {
    std::vector<source_frame> out;
    Dwfl_Module* const module = dw.dwfl_addrmodule(session, pc);
    if (!module) return out;
    source_frame frame;
    if (Dwfl_Line* line = dw.dwfl_module_getsrc(module, pc))
      if (const char* file = dw.dwfl_lineinfo(line, nullptr, &frame.line, nullptr, nullptr, nullptr)) frame.file = file;
    GElf_Off offset = 0;
    GElf_Sym symbol;
    if (const char* name = dw.dwfl_module_addrinfo(module, pc, &offset, &symbol, nullptr, nullptr, nullptr)) {
      frame.function = demangled(name);
      frame.offset = offset;
    }
    if (by_debug_information(module, pc, frame, out)) return out;
    if (frame.file.empty()) {
      Dwarf_Addr start = 0;
      if (const char* name = dw.dwfl_module_info(module, nullptr, &start, nullptr, nullptr, nullptr, nullptr, nullptr))
        frame.file = name;
      if (frame.function.empty()) frame.offset = pc - start;
    }
    out.push_back(frame);
    return out;
  }

  const dw_library& dw;
  Dwfl_Callbacks callbacks{};
  Dwfl* session = nullptr;
  Elf* core = nullptr;
  std::unordered_map<void*, std::vector<function_range>> functions;  // by unit
  std::unordered_map<Dwfl_Module*, std::vector<unit_range>> units;
  int core_descriptor = -1;
};

symboliser::symboliser(whose whom) : whom_(std::move(whom)) {
  if (!debug::dw()) return;
  library_ = std::make_unique<library>(whom_);
  if (!library_->session) library_.reset();
}

std::vector<source_frame> symboliser::look_up(std::uint64_t pc, std::uint64_t place) const {
  std::vector<source_frame> out;
  if (library_) out = library_->look_up(place);
  if (out.empty() || (out.front().function.empty() && out.front().line == 0)) {
    const bool is_own = whom_.pid == 0 && whom_.core.empty();
    source_frame plain = is_own ? by_dynamic_symbols(place) : source_frame{};
    if (out.empty() || !plain.function.empty()) out = {plain};
  }
  // Offsets are those of the address asked for, not of the call before it.
  if (out.back().offset != 0 || place == pc) out.back().offset += pc - place;
  return out;
}

#else

struct symboliser::library {};
symboliser::symboliser(whose whom) : whom_(std::move(whom)) {}
std::vector<source_frame> symboliser::look_up(std::uint64_t pc, std::uint64_t) const {
  const bool is_own = whom_.pid == 0 && whom_.core.empty();
  return {is_own ? by_dynamic_symbols(pc) : source_frame{}};
}

#endif

symboliser::~symboliser() = default;

bool symboliser::has_lines() const noexcept { return library_ != nullptr; }

const std::vector<source_frame>& symboliser::frames(std::uint64_t pc, bool is_return_address) {
  const std::uint64_t place = is_return_address ? pc - 1 : pc;
  auto [entry, is_new] = known_.try_emplace(place);
  if (is_new) entry->second = look_up(pc, place);
  return entry->second;
}

}  // namespace weft::debug
