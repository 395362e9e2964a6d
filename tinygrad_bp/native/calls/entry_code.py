"""The machine code of an entry: one routine for all of them, which reads what to do from a record.

CPython calls it by METH_FASTCALL with `self`, a tuple whose first item is the record: an array of
words.  Pointers of the interpreter's are read where `entry` has seen that they lie.
"""

from __future__ import annotations

from tinygrad_bp.native.calls.entry_guards import tests

NAME = "entry"

# Places of the words at the record's beginning.
HEAD = (
    "turn",  # which of two states is the present one
    "arguments",  # how many
    "musts",  # how many words must be in memory, the same in both turns
    "first_must0",  # address of the first of them when it is the turn of 0, and where the next is
    "first_must1",
    "guards",  # how many
    "fresh",  # how many words tell that nobody holds the result of this turn any more
    "given0",  # address of what is returned when it is the turn of 0, and of those words behind it
    "given1",
    "states",
    "first_state",  # address of the words of the first
    "table0",  # what the kernel reads and writes when it is the turn of 0
    "table1",
    "kernel",
    "rows",
    "slow",  # what is called instead, where a guard does not hold
    "finish",  # what makes the result; 0 where it is there already
    "renew",  # what makes another object to be returned, since somebody holds the one before
    "renewed",  # whether it has been called since the last run of the kernel
    "prepare",  # what is called before the kernel; 0 if nothing is
    "prepared",  # whether it has been called since the last run of the kernel
    "vectorcall",
    "dict_get",
    "dict_set",
    "dict_size",
    "context_get",
    "compare",
    "as_long",
    "decref",
    "incref",
    "tensor",
    "array",
    "float",
    "none",
    "no",  # what is returned where several steps were asked for, and none is done
    "value",  # offsets in a Tensor
    "node",
    "calls",  # that the guards have let through
)
GUARD = 6  # words of a guard: its kind, and what it needs
KINDS = (
    *("array", "tensor", "same", "item", "size", "number"),
    *("context", "turn", "content", "doubles", "floats"),
)


def text() -> str:
    """Return the routine in LLVM's language."""
    cases = " ".join(f"i64 {k}, label %{kind}" for k, kind in enumerate(KINDS))
    reads = "\n".join(
        f"  %at.{name} = getelementptr i64, ptr %r, i64 {k}\n  %h.{name} = load i64, ptr %at.{name}"
        for k, name in enumerate(HEAD)
    )
    pointers = "\n".join(
        f"  %{name} = inttoptr i64 %h.{name} to ptr"
        for name in (
            *("table0", "table1", "kernel", "slow", "finish", "renew", "prepare"),
            *("first_must0", "first_must1", "given0", "given1", "first_state"),
            *("vectorcall", "dict_get", "dict_set", "dict_size", "context_get"),
            *("compare", "as_long", "decref", "incref"),
        )
    )
    fields = "\n".join(
        f"  %w.{name}.at = getelementptr i64, ptr %g, i64 {k}\n"
        f"  %w.{name} = load i64, ptr %w.{name}.at\n"
        f"  %p.{name} = inttoptr i64 %w.{name} to ptr"
        for k, name in enumerate("abcde", 1)
    )
    return _ROUTINE.format(
        reads=reads,
        pointers=pointers,
        fields=fields,
        cases=cases,
        tests=tests(),
        must=_WORD.format(these="must", k="m", otherwise="miss"),
        fresh=_WORD.format(these="fresh", k="f", otherwise="somebody"),
        head=len(HEAD),
        guard=GUARD,
    )


_ROUTINE = """
define ptr @entry(ptr %self, ptr %args, i64 %given) {{
start:
  %held = alloca ptr, align 8
  %record.at = getelementptr i8, ptr %self, i64 24
  %record = load ptr, ptr %record.at
  %data = getelementptr i8, ptr %record, i64 16
  %r = load ptr, ptr %data
  br label %begin

begin:  ; again from here after Python code has run, which may have changed anything
{reads}
{pointers}
  %odd = icmp ne i64 %h.turn, 0
  %table = select i1 %odd, ptr %table1, ptr %table0
  %first_must = select i1 %odd, ptr %first_must1, ptr %first_must0
  %given.at = select i1 %odd, ptr %given1, ptr %given0
  %first_fresh = getelementptr i64, ptr %given.at, i64 1
  %guards = getelementptr i64, ptr %r, i64 {head}
  %all.given = icmp eq i64 %given, %h.arguments
  %steps.place = getelementptr ptr, ptr %args, i64 %h.arguments
  %key.place = getelementptr ptr, ptr %steps.place, i64 1
  %two.more = add i64 %h.arguments, 2
  %maybe.several = icmp eq i64 %given, %two.more
  br i1 %all.given, label %must, label %several

several:  ; or there is a number of steps behind them, and the record itself, lest it be a mistake
  br i1 %maybe.several, label %several.key, label %miss

several.key:
  %key = load ptr, ptr %key.place
  %is.key = icmp eq ptr %key, %record
  br i1 %is.key, label %several.steps, label %miss

several.steps:
  %steps.object = load ptr, ptr %steps.place
  %steps.asked = call i64 %as_long(ptr %steps.object)
  br label %must

must:  ; at an address is a word
  %m = phi i64 [0, %begin], [0, %several.steps], [%m.next, %must.look]
  %steps = phi i64 [1, %begin], [%steps.asked, %several.steps], [%steps, %must.look]
  %m.left = icmp ult i64 %m, %h.musts
  br i1 %m.left, label %must.look, label %look

{must}
look:  ; at the next guard, if there is one left
  %k = phi i64 [0, %must], [%k.next, %next]
  %some = icmp ult i64 %k, %h.guards
  br i1 %some, label %guard, label %ready

guard:
  %offset = mul i64 %k, {guard}
  %g = getelementptr i64, ptr %guards, i64 %offset
  %kind = load i64, ptr %g
{fields}
  switch i64 %kind, label %miss [{cases}]

next:
  %k.next = add i64 %k, 1
  br label %look

{tests}
ready:  ; all is as it was
  %prepares = icmp ne i64 %h.prepare, 0
  %unprepared = icmp eq i64 %h.prepared, 0
  %now = and i1 %prepares, %unprepared
  br i1 %now, label %preparing, label %fresh

preparing:
  %done.before = call ptr %vectorcall(ptr %prepare, ptr null, i64 0, ptr null)
  %prepared.well = icmp ne ptr %done.before, null
  br i1 %prepared.well, label %is.prepared, label %failed

is.prepared:
  call void %decref(ptr %done.before)
  store i64 1, ptr %at.prepared
  br label %begin

fresh:  ; whether nobody holds what is to be overwritten and returned
  %f = phi i64 [0, %ready], [%f.next, %fresh.look]
  %f.left = icmp ult i64 %f, %h.fresh
  br i1 %f.left, label %fresh.look, label %hit

{fresh}
somebody:
  %again = icmp ne i64 %h.renewed, 0
  br i1 %again, label %give.up, label %renewing

give.up:
  store i64 0, ptr %at.renewed
  br label %miss

renewing:
  %new.made = call ptr %vectorcall(ptr %renew, ptr null, i64 0, ptr null)
  %made.well = icmp ne ptr %new.made, null
  br i1 %made.well, label %is.renewed, label %failed

is.renewed:
  call void %decref(ptr %new.made)
  store i64 1, ptr %at.renewed
  br label %begin

failed:
  ret ptr null

hit:
  store i64 0, ptr %at.prepared
  store i64 0, ptr %at.renewed
  call void %kernel(ptr %table, i64 %h.rows, i64 %steps)
  br label %swap

swap:  ; each state: where it is, or a dict and its key, and the two objects
  %s = phi i64 [0, %hit], [%s.next, %swapped]
  %left = icmp ult i64 %s, %h.states
  br i1 %left, label %exchange, label %done

exchange:
  %s.offset = mul i64 %s, 4
  %s.at = getelementptr ptr, ptr %first_state, i64 %s.offset
  %s.place = load ptr, ptr %s.at
  %s.key.at = getelementptr ptr, ptr %s.at, i64 1
  %s.key = load ptr, ptr %s.key.at
  %s.first.at = getelementptr ptr, ptr %s.at, i64 2
  %s.first = load ptr, ptr %s.first.at
  %s.second.at = getelementptr ptr, ptr %s.at, i64 3
  %s.second = load ptr, ptr %s.second.at
  %s.old = select i1 %odd, ptr %s.second, ptr %s.first
  %s.new = select i1 %odd, ptr %s.first, ptr %s.second
  %s.next = add i64 %s, 1
  %of.slot = icmp eq ptr %s.key, null
  br i1 %of.slot, label %exchange.slot, label %exchange.item

exchange.slot:
  %new.count = load i64, ptr %s.new
  %new.more = add i64 %new.count, 1
  store i64 %new.more, ptr %s.new
  store ptr %s.new, ptr %s.place
  %old.count = load i64, ptr %s.old
  %old.less = sub i64 %old.count, 1  ; not the last: the record holds both
  store i64 %old.less, ptr %s.old
  br label %swapped

exchange.item:  ; of a key that is there: nothing is allocated, and nothing fails
  %s.set = call i32 %dict_set(ptr %s.place, ptr %s.key, ptr %s.new)
  br label %swapped

swapped:
  br label %swap

done:
  %calls.more = add i64 %h.calls, 1
  store i64 %calls.more, ptr %at.calls
  %turned = xor i64 %h.turn, 1
  store i64 %turned, ptr %at.turn
  %to.finish = icmp ne i64 %h.finish, 0
  br i1 %to.finish, label %finishing, label %give

finishing:
  %result = call ptr %vectorcall(ptr %finish, ptr null, i64 0, ptr null)
  ret ptr %result

give:
  %there.already = load ptr, ptr %given.at
  call void %incref(ptr %there.already)
  ret ptr %there.already

miss:
  br i1 %maybe.several, label %miss.key, label %slowly

miss.key:
  %key.again = load ptr, ptr %key.place
  %was.key = icmp eq ptr %key.again, %record
  br i1 %was.key, label %not.several, label %slowly

not.several:  ; nothing is done, and that is said
  %no = inttoptr i64 %h.no to ptr
  call void %incref(ptr %no)
  ret ptr %no

slowly:
  %answer = call ptr %vectorcall(ptr %slow, ptr %args, i64 %given, ptr null)
  ret ptr %answer
}}
"""

_WORD = """\
{these}.look:  ; whether word {k} of these is at its address
  %{k}.place = mul i64 %{k}, 2
  %{k}.at = getelementptr i64, ptr %first_{these}, i64 %{k}.place
  %{k}.address = load ptr, ptr %{k}.at
  %{k}.word.at = getelementptr i64, ptr %{k}.at, i64 1
  %{k}.word = load i64, ptr %{k}.word.at
  %{k}.there = load i64, ptr %{k}.address
  %{k}.same = icmp eq i64 %{k}.there, %{k}.word
  %{k}.next = add i64 %{k}, 1
  br i1 %{k}.same, label %{these}, label %{otherwise}
"""
