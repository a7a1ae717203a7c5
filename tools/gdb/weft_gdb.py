"""Goroutines in gdb, on live processes and on core files.

    info goroutines [REGEXP]     all of them; REGEXP picks by state, name or place
    goroutine N [COMMAND]        any gdb command with goroutine N's stack: `goroutine 17 bt`, `goroutine 17 info locals`
    goroutine all COMMAND        the same for each: `goroutine all bt`

The script is part of the library, so gdb finds it in every program that contains weft. It loads it when the program's
place is among those that it trusts: `add-auto-load-safe-path DIRECTORY` in ~/.config/gdb/gdbinit. By hand:
`source weft_gdb.py`.

How it works. A table in the program says where the runtime keeps things (src/sched/debug_layout.h); debug information is
not needed for that. A goroutine that runs has the stack of its thread. For one that is parked, gdb is told by an unwinder
that the selected thread's innermost frame was called by the frame in which the goroutine parked. That innermost frame, and
what is inlined in it, is left out of backtraces, which therefore begin with #1 or a little later. No register and no memory
is written: so it works on core files, and there is nothing to put back in the process, whatever happens meanwhile.
"""

import copy
import re
import struct
import time

import gdb
from gdb.unwinder import Unwinder

POINTER = 8


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def number(data, offset, width):
    return int.from_bytes(data[offset : offset + width], "little")


def text(address, most=128):
    """The C string at an address, as far as it can be read."""
    try:
        data = read(address, most)
    except gdb.MemoryError:
        data = b""
        try:
            while len(data) < most and not data.endswith(b"\0"):
                data += read(address + len(data), 1)
        except gdb.MemoryError:
            pass
    return data.split(b"\0")[0].decode("utf-8", "replace")


class Layout:
    """The table: offsets and widths by name."""

    version = 2

    def __init__(self):
        at = self.by_symbol() or self.by_note()
        if not at:
            raise gdb.GdbError("No goroutines: this program does not contain weft, or does not run yet.")
        magic, version, entries, entry_bytes, reasons, reason_bytes, _ = struct.unpack("<8s6I", read(at, 32))
        if magic != b"weft-lay" or version != self.version:
            raise gdb.GdbError(
                "The program's weft has layout %d, this script knows %d: use the weft_gdb.py of the program's version."
                % (version, self.version)
            )
        self.offsets, self.widths = {}, {}
        table = read(at + 32, entries * entry_bytes)
        for i in range(entries):
            name, _, width, value = struct.unpack_from("<30scBQ", table, i * entry_bytes)
            name = name.split(b"\0")[0].decode()
            self.offsets[name], self.widths[name] = value, width
        texts = read(at + 32 + entries * entry_bytes, reasons * reason_bytes)
        self.reasons = [
            texts[i : i + reason_bytes].split(b"\0")[0].decode() for i in range(0, len(texts), reason_bytes)
        ]

    @staticmethod
    def by_symbol():
        try:
            return int(gdb.parse_and_eval("(unsigned long)&weft_debug_layout"))
        except gdb.error:
            return None

    @staticmethod
    def by_note():
        """For stripped programs: the ELF note that names the table."""
        found = re.search(r"AT_PHDR.*?(0x[0-9a-f]+)", gdb.execute("info auxv", to_string=True))
        count = re.search(r"AT_PHNUM.*?(\d+)\s*$", gdb.execute("info auxv", to_string=True), re.M)
        if not found or not count:
            return None
        headers = int(found.group(1), 16)
        segments = [
            struct.unpack("<IIQQQQQQ", read(headers + 56 * i, 56)) for i in range(int(count.group(1)))
        ]
        bias = next((headers - s[3] for s in segments if s[0] == 6), 0)  # PT_PHDR
        for kind, _, _, address, _, _, size, _ in segments:
            if kind != 4:  # PT_NOTE
                continue
            notes, at = read(bias + address, size), 0
            while at + 12 <= len(notes):
                name_size, content_size, note = struct.unpack_from("<3I", notes, at)
                content = at + 12 + (name_size + 3) // 4 * 4
                if notes[at + 12 : at + 12 + name_size] == b"weft\0" and note == 1:
                    distance = struct.unpack_from("<q", notes, content + 8)[0]
                    return bias + address + content + 8 + distance
                at = content + (content_size + 3) // 4 * 4
        return None

    def __getitem__(self, name):
        return self.offsets[name]

    def field(self, data, name):
        """A field of a structure whose bytes were read."""
        return number(data, self.offsets[name], self.widths[name])

    def at(self, address, name):
        return number(read(address + self.offsets[name], self.widths[name]), 0, self.widths[name])


class Goroutine:
    def __init__(self, layout, address, data):
        field = lambda name: layout.field(data, "goroutine." + name)
        self.address = address
        self.id = field("id")
        self.creator = field("creator")
        self.start_site = field("start_site")
        self.name = text(field("name"))
        self.reason = field("reason")
        self.object = field("object")
        self.since_ns = field("since_ns")
        self.sp, self.pc, self.fp = field("context.sp"), field("context.pc"), field("context.fp")
        self.reason_text = layout.reasons[self.reason] if self.reason < len(layout.reasons) else "?"
        self.thread = None  # the gdb thread that runs it
        self.is_queued = False
        self.has_processor = True

    def state(self, now_ns):
        if self.thread is not None:
            return "running" if self.has_processor else "running without a processor"
        if self.is_queued or not self.reason:
            return "runnable"
        age = max(now_ns - self.since_ns, 0)
        if age < 10**9:
            return "%s, %d ms" % (self.reason_text, age // 10**6)
        if age < 120 * 10**9:
            return "%s, %d seconds" % (self.reason_text, age // 10**9)
        return "%s, %d minutes" % (self.reason_text, age // (60 * 10**9))

    def title(self, now_ns):
        name = " " + self.name if self.name else ""
        return "goroutine %d [%s]%s" % (self.id, self.state(now_ns), name)


class Newborn:
    """A goroutine that has not run yet: a closure in a queue."""

    def __init__(self, layout, data):
        field = lambda name: layout.field(data, "newborn." + name)
        self.id, self.creator, self.start_site = field("id"), field("creator"), field("start_site")
        self.name = "" if field("kind") else text(field("name"))
        self.thread = None

    def state(self, _):
        return "runnable, never ran"

    def title(self, now_ns):
        name = " " + self.name if self.name else ""
        return "goroutine %d [%s]%s" % (self.id, self.state(now_ns), name)


class Snapshot:
    """All goroutines of the process, as its memory shows them."""

    def __init__(self):
        self.layout = Layout()
        self.goroutines = {}  # by address of the control block
        self.newborns = []
        for data, address in self.control_blocks():
            if self.layout.field(data, "goroutine.mark") == self.layout["alive_mark"]:
                self.goroutines[address] = Goroutine(self.layout, address, data)
        self.look_at_workers()
        for word in self.queued():
            if word & 1:
                data = read(word - 1, self.layout["newborn"])
                self.add_siblings(Newborn(self.layout, data), 0, 1 + self.layout.field(data, "newborn.more"))
            elif word in self.goroutines:
                self.goroutines[word].is_queued = True
        self.now_ns = self.time()

    def all(self):
        return sorted(list(self.goroutines.values()) + self.newborns, key=lambda g: g.id)

    def find(self, wanted):
        for g in self.all():
            if g.id == wanted:
                return g
        raise gdb.GdbError("There is no goroutine %d; `info goroutines` lists them." % wanted)

    def time(self):
        connection = getattr(gdb.selected_inferior(), "connection", None)  # gdb 11
        if connection is not None and connection.type == "native":
            return time.monotonic_ns()
        # A core file says no time: the latest that the runtime has noted.
        noted = self.layout.at(self.layout["scheduler"], "scheduler.coarse_now")
        return max([noted] + [g.since_ns for g in self.goroutines.values()])

    def control_blocks(self):
        layout = self.layout
        ids = number(read(layout["slab_ids"], 4), 0, 4)
        per_chunk, slab_bytes = layout["slabs_per_chunk"], layout["slab"]
        for first in range(0, ids, per_chunk):
            chunk = number(read(layout["slab_chunks"] + POINTER * (first // per_chunk), POINTER), 0, POINTER)
            slabs = read(chunk, slab_bytes * min(per_chunk, ids - first)) if chunk else b""
            for start in range(0, len(slabs), slab_bytes):
                slab = slabs[start : start + slab_bytes]
                if layout.field(slab, "slab.published"):
                    yield from self.control_blocks_of(slab)

    def control_blocks_of(self, slab):
        layout = self.layout
        base = layout.field(slab, "slab.base")
        step = layout.field(slab, "slab.shape.usable") + layout.field(slab, "slab.shape.guard")
        out, size = layout.field(slab, "slab.out"), layout["goroutine"]
        while out:
            slot = (out & -out).bit_length() - 1
            out &= out - 1
            top = base + (slot + 1) * step
            address = top - size - top // layout["colour_page"] % layout["colours"] * layout["colour_bytes"]
            try:
                yield read(address, size), address
            except gdb.MemoryError:
                pass  # never used, or not in the core file

    def alive(self):
        """How many there are by the runtime's own count."""
        scheduler = self.layout["scheduler"]
        count = self.layout.at(scheduler, "scheduler.spawned_outside") - self.layout.at(scheduler, "scheduler.ended_outside")
        for processor in self.processors():
            count += self.layout.at(processor, "processor.spawned") - self.layout.at(processor, "processor.ended")
        return count

    def processors(self):
        scheduler = self.layout["scheduler"]
        for i in range(self.layout.at(scheduler, "scheduler.created")):
            yield number(read(scheduler + self.layout["scheduler.processors"] + POINTER * i, POINTER), 0, POINTER)

    def look_at_workers(self):
        layout = self.layout
        threads = {t.ptid[1] or t.ptid[0]: t for t in gdb.selected_inferior().threads()}
        at = layout.at(layout["scheduler"], "scheduler.all_workers")
        while at:
            worker = read(at, layout["worker"])
            g = self.goroutines.get(layout.field(worker, "worker.current"))
            if g is not None:
                g.thread = threads.get(layout.field(worker, "worker.tid"))
                g.has_processor = layout.field(worker, "worker.held") != 0
            at = layout.field(worker, "worker.next_all")

    def queued(self):
        """What the run queues hold: control blocks, and newborns with their lowest bit set; litters become newborns here."""
        layout, scheduler = self.layout, self.layout["scheduler"]
        inject = layout.at(scheduler, "scheduler.inject")
        if inject:
            yield from self.ring(inject)
        for at in self.processors():
            processor = read(at, layout["processor"])
            for single in ("processor.next", "processor.offer"):
                word = layout.field(processor, single)
                if word:
                    yield word
            queue = at + layout["processor.queue"]
            yield from self.ring(queue + layout["own_queue.line"])
            yield from self.nursery(queue + layout["own_queue.nursery"])
            yield from self.shared(at + layout["processor.shared"])

    def words(self, address, first, last):
        if last > first:
            yield from struct.unpack("<%dQ" % (last - first), read(address + POINTER * first, POINTER * (last - first)))

    def ring(self, at):
        part = lambda name: self.layout.at(at, "private_queue." + name)
        head, tail, mask, slots = part("head"), part("tail"), part("mask"), part("slots")
        for i in range((tail - head) & 0xFFFFFFFF):
            yield from self.words(slots, (head + i) & mask, ((head + i) & mask) + 1)

    def shared(self, at):
        part = lambda name: self.layout.at(at, "shared_queue." + name)
        capacity, head, tail = self.layout["shared_queue.capacity"], part("head"), part("tail")
        for i in range((tail - head) & 0xFFFFFFFF):
            if i < capacity:
                slot = (head + i) % capacity
                yield from self.words(at + self.layout["shared_queue.slots"], slot, slot + 1)

    def nursery(self, at):
        part = lambda name: self.layout.at(at, "nursery." + name)
        if not part("live"):
            return
        words, batches, size = part("words"), part("batches"), self.layout["nursery.batch"]
        used, opened = part("batches_used"), part("open")
        for i in range(part("oldest"), used):
            begin = self.layout.at(batches + size * i, "nursery.batch.begin")
            last = i + 1 == used
            end = opened if last else self.layout.at(batches + size * (i + 1), "nursery.batch.base")
            yield from self.batch(words, begin, end)
        yield from self.batch(words, max(opened, part("open_begin")), part("end"))

    def batch(self, words, first, last):
        """Odd words are newborns; an even one begins a litter (sched/litter.h)."""
        if last <= first:
            return
        layout, data, at = self.layout, read(words + POINTER * first, POINTER * (last - first)), 0
        while at < len(data):
            word = number(data, at, POINTER)
            if word & 1:
                yield word
                at += POINTER
                continue
            litter = data[at : at + layout["litter"]]
            part = lambda name: layout.field(litter, "litter." + name)
            self.add_siblings(Newborn(layout, litter[layout["litter.first"] :]), part("taken"), part("count"))
            closures = part("count") * part("stride") or part("twice_words") // 2  # no stride: all have that of the first
            at += layout["litter"] + closures * POINTER

    def add_siblings(self, eldest, first, last):
        for i in range(first, last):
            sibling = copy.copy(eldest)
            sibling.id += i
            self.newborns.append(sibling)


def is_in_header(symtab):
    return symtab is not None and "include/weft/" in symtab.filename


def is_ours(function):
    """Of weft itself: the functions in its namespace, and the lambdas in its headers, which have no name of their own."""
    return str(function).startswith("weft::") or (str(function) == "operator()" and is_in_header(function.symtab))


def file_and_line(symtab, line):
    return "%s:%d" % (symtab.filename.split("/")[-1], line)


def place(address):
    """Where a return address is: the innermost function that is not weft's own, with its line if it is known."""
    block = gdb.current_progspace().block_for_pc(address - 1)
    innermost, passed, line = None, None, None
    while block is not None and not block.is_global:
        function = block.function
        if function is not None:
            innermost = innermost or function
            # Of a function that is inlined into another one gdb knows the file and line of the call.
            if passed is not None and passed.symtab is not None and not is_in_header(passed.symtab):
                line = file_and_line(passed.symtab, passed.line)
            if not is_ours(function):
                break
            if line is not None:  # lambdas that are inlined everywhere may have no block of their own
                return "a lambda at " + line
            passed = function
        block = block.superblock
    else:
        function = innermost
    if function is None:
        symbol = gdb.execute("info symbol %#x" % (address - 1), to_string=True)
        return symbol.split(" in section ")[0].strip() if " in section " in symbol else "%#x" % address
    here = gdb.find_pc_line(address - 1)
    if function == innermost and here.symtab is not None and not is_in_header(here.symtab):
        line = file_and_line(here.symtab, here.line)
    name = str(function)
    if name == "operator()":  # of a lambda: whose is in its mangled name, which it may lack where it was inlined
        if not function.linkage_name.startswith("_Z"):
            return "a lambda at " + (line or file_and_line(function.symtab, function.line))
        name = gdb.execute("demangle -- " + function.linkage_name, to_string=True).strip()
    return name + " at " + line if line else name


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class ParkedStack(Unwinder):
    """While a goroutine is `shown`: the selected thread's innermost frame was called from where that goroutine parked."""

    registers = {"x86-64": ("rsp", "rip", "rbp"), "aarch64": ("sp", "pc", "x29")}

    def __init__(self):
        super().__init__("weft goroutine")
        self.shown = None
        self.thread = None
        self.innermost = None  # that frame's stack pointer and program counter
        self.hidden = 0        # frames of the thread's own

    def names(self, architecture):
        return self.registers["x86-64" if "x86-64" in architecture.name() else "aarch64"]

    def __call__(self, pending):
        if self.shown is None or gdb.selected_thread() != self.thread:
            return None
        names = self.names(pending.architecture())
        if tuple(int(pending.read_register(name)) for name in names[:2]) != self.innermost:
            return None
        # A frame id of the goroutine's own stack: gdb wants callers further up than the called.
        made = pending.create_unwind_info(FrameId(gdb.Value(self.shown.sp), pending.read_register(names[1])))
        for name, value in zip(names, (self.shown.sp, self.shown.pc, self.shown.fp)):
            made.add_saved_register(name, gdb.Value(value).cast(pending.read_register(name).type))
        return made

    def show(self, goroutine):
        newest, self.thread = gdb.newest_frame(), gdb.selected_thread()
        if goroutine is not None:
            self.innermost = tuple(int(newest.read_register(name)) for name in self.names(newest.architecture())[:2])
        self.shown = goroutine
        gdb.invalidate_cached_frames()
        if goroutine is None:
            return
        frame, self.hidden = gdb.newest_frame(), 1
        while frame.type() == gdb.INLINE_FRAME:
            frame, self.hidden = frame.older(), self.hidden + 1
        if frame.older() is not None:
            frame.older().select()


class HideThread:
    """Backtraces leave the thread's own frame out."""

    name, priority, enabled = "weft goroutine", 1000, True

    def __init__(self, unwinder):
        self.unwinder = unwinder

    def filter(self, frames):
        if self.unwinder.shown is not None:
            for _ in range(self.unwinder.hidden):
                next(frames, None)
        return frames


unwinder = ParkedStack()


def run_on(goroutine, command):
    """Runs a gdb command with the goroutine's stack, then selects what was selected before."""
    if isinstance(goroutine, Newborn):
        print("It has not run yet: it has no stack.")
        return
    thread, frame = gdb.selected_thread(), gdb.selected_frame().level()
    try:
        if goroutine.thread is not None:
            goroutine.thread.switch()
        elif not goroutine.sp:
            raise gdb.GdbError("Goroutine %d is on its way off a thread's stack; let the process run on." % goroutine.id)
        else:
            unwinder.show(goroutine)
        gdb.execute(command)
    except gdb.error as problem:
        raise gdb.GdbError(str(problem))
    finally:
        unwinder.show(None)
        thread.switch()
        selected = gdb.newest_frame()
        for _ in range(frame):
            selected = selected.older()
        selected.select()


class InfoGoroutines(gdb.Command):
    """List the goroutines: info goroutines [REGEXP]

With REGEXP only those whose state, name or place of start matches. An asterisk marks the one that the selected thread runs."""

    def __init__(self):
        super().__init__("info goroutines", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        try:
            pattern = re.compile(argument)
        except re.error as problem:
            raise gdb.GdbError("Not a regular expression: %s (%s)" % (argument, problem))
        snapshot = Snapshot()
        lines = []
        for g in snapshot.all():
            is_current = g.thread is not None and g.thread == gdb.selected_thread()
            thread = " (thread %d)" % g.thread.num if g.thread is not None else ""
            origin = " in goroutine %d" % g.creator if g.creator else ""
            lines.append(
                "%s %-6d %-32s %-16s started by %s%s"
                % ("*" if is_current else " ", g.id, g.state(snapshot.now_ns) + thread, g.name, place(g.start_site), origin)
            )
        missing = snapshot.alive() - len(lines)
        if not lines and missing > 0:
            raise gdb.GdbError(
                "There are %d goroutines, but their stacks are not in this core file. gdb's own gcore leaves out mappings with\n"
                "guard markers: let the kernel write it (ulimit -c unlimited; kill -ABRT), or start the program with\n"
                "WEFT_DEBUG=guard=mprotect." % missing
            )
        picked = [line for line in lines if pattern.search(line)]
        print("\n".join(picked) if picked else "No goroutine matches.")


class GoroutineCommand(gdb.Command):
    """Run a gdb command with a goroutine's stack: goroutine N|all [COMMAND]

goroutine 17 bt, goroutine 17 info locals, goroutine all bt. Without a command: what is known of it. The selected thread
and frame are the same afterwards. The frames of a parked goroutine do not begin with #0; `goroutine 17 frame 4` counts alike."""

    def __init__(self):
        super().__init__("goroutine", gdb.COMMAND_STACK, gdb.COMPLETE_COMMAND)

    def invoke(self, argument, from_tty):
        who, _, command = argument.strip().partition(" ")
        if not who or not (who == "all" or who.isdigit()):
            raise gdb.GdbError("Which one? goroutine N|all [COMMAND], for example: goroutine 17 bt")
        snapshot = Snapshot()
        if who != "all":
            return self.one(snapshot, snapshot.find(int(who)), command)
        for g in snapshot.all():
            print("\n%s:" % g.title(snapshot.now_ns))
            try:
                if command:
                    run_on(g, command)
            except gdb.GdbError as problem:  # the others may be well
                print(problem)

    def one(self, snapshot, goroutine, command):
        if command:
            return run_on(goroutine, command)
        print(goroutine.title(snapshot.now_ns))
        print("started by %s%s" % (place(goroutine.start_site), " in goroutine %d" % goroutine.creator if goroutine.creator else ""))
        if getattr(goroutine, "object", 0) and goroutine.reason:
            print("waits for %#x" % goroutine.object)


def install():
    gdb.unwinder.register_unwinder(None, unwinder, replace=True)
    gdb.frame_filters[HideThread.name] = HideThread(unwinder)
    InfoGoroutines()
    GoroutineCommand()


install()
