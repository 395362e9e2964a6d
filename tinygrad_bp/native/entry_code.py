"""The machine code of an entry: one routine for all of them, which reads what to do from a record.

CPython calls it by METH_FASTCALL with `self`, a tuple whose first item is the record: an array of
words.  Pointers of the interpreter's are read where `entry` has seen that they lie.
"""

from __future__ import annotations

NAME = "entry"

# Places of the words at the record's beginning.
HEAD = (
    "turn",  # which of two states is the present one
    "arguments",  # how many
    "guards",  # how many
    "states",
    "first_state",  # address of the words of the first
    "table0",  # what the kernel reads and writes when it is the turn of 0
    "table1",
    "kernel",
    "rows",
    "slow",  # what is called instead, where a guard does not hold
    "finish",  # what makes the result
    "vectorcall",
    "dict_get",
    "dict_size",
    "context_get",
    "decref",
    "tensor",
    "array",
    "float",
    "none",
    "value",  # offsets in a Tensor
    "node",
    "calls",  # that the guards have let through
)
GUARD = 6  # words of a guard: its kind, and what it needs
KINDS = (
    *("array", "tensor", "same", "word", "item", "size", "number"),
    *("context", "free", "state", "doubles", "floats"),
)
LANES = 8  # elements that are looked at together


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
            *("table0", "table1", "kernel", "slow", "finish", "first_state"),
            *("vectorcall", "dict_get", "dict_size", "context_get", "decref"),
        )
    )
    fields = "\n".join(
        f"  %w.{name}.at = getelementptr i64, ptr %g, i64 {k}\n"
        f"  %w.{name} = load i64, ptr %w.{name}.at\n"
        f"  %p.{name} = inttoptr i64 %w.{name} to ptr"
        for k, name in enumerate("abcde", 1)
    )
    within = "".join(_WITHIN.format(t=t, lanes=LANES) for t in ("double", "float"))
    return _ROUTINE.format(
        reads=reads,
        pointers=pointers,
        fields=fields,
        cases=cases,
        within=within,
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
{reads}
{pointers}
  %odd = icmp ne i64 %h.turn, 0
  %table = select i1 %odd, ptr %table1, ptr %table0
  %guards = getelementptr i64, ptr %r, i64 {head}
  %all.given = icmp eq i64 %given, %h.arguments
  br i1 %all.given, label %look, label %miss

look:  ; at the next guard, if there is one left
  %k = phi i64 [0, %start], [%k.next, %next]
  %some = icmp ult i64 %k, %h.guards
  br i1 %some, label %guard, label %hit

guard:
  %offset = mul i64 %k, {guard}
  %g = getelementptr i64, ptr %guards, i64 %offset
  %kind = load i64, ptr %g
{fields}
  switch i64 %kind, label %miss [{cases}]

next:
  %k.next = add i64 %k, 1
  br label %look

tensor:  ; argument a is a Tensor that tracks nothing, of an array as below
  %t.at = getelementptr ptr, ptr %args, i64 %w.a
  %t = load ptr, ptr %t.at
  %t.type.at = getelementptr i8, ptr %t, i64 8
  %t.type = load i64, ptr %t.type.at
  %is.tensor = icmp eq i64 %t.type, %h.tensor
  br i1 %is.tensor, label %inside, label %miss

inside:
  %node.in = getelementptr i8, ptr %t, i64 %h.node
  %node.held = load i64, ptr %node.in
  %value.in = getelementptr i8, ptr %t, i64 %h.value
  %t.value = load ptr, ptr %value.in
  %untracked = icmp eq i64 %node.held, %h.none
  br i1 %untracked, label %raw, label %miss

array:  ; argument a is an array of dtype b, and of c axes of lengths d
  %arg.at = getelementptr ptr, ptr %args, i64 %w.a
  %arg = load ptr, ptr %arg.at
  br label %raw

raw:
  %x = phi ptr [%arg, %array], [%t.value, %inside]
  %x.type.at = getelementptr i8, ptr %x, i64 8
  %x.type = load i64, ptr %x.type.at
  %is.array = icmp eq i64 %x.type, %h.array
  br i1 %is.array, label %header, label %miss

header:
  %x.dtype.at = getelementptr i8, ptr %x, i64 56
  %x.dtype = load i64, ptr %x.dtype.at
  %same.dtype = icmp eq i64 %x.dtype, %w.b
  %x.axes.at = getelementptr i8, ptr %x, i64 24
  %x.axes.short = load i32, ptr %x.axes.at
  %x.axes = zext i32 %x.axes.short to i64
  %same.axes = icmp eq i64 %x.axes, %w.c
  %x.flags.at = getelementptr i8, ptr %x, i64 64
  %x.flags = load i32, ptr %x.flags.at
  %x.kept = and i32 %x.flags, 257  ; C-contiguous and aligned
  %plain = icmp eq i32 %x.kept, 257
  %alike = and i1 %same.dtype, %same.axes
  %usable = and i1 %alike, %plain
  %x.shape.at = getelementptr i8, ptr %x, i64 32
  br i1 %usable, label %axes, label %miss

axes:
  %x.shape = load ptr, ptr %x.shape.at
  br label %axis

axis:
  %j = phi i64 [0, %axes], [%j.next, %length]
  %another = icmp ult i64 %j, %w.c
  br i1 %another, label %length, label %taken

length:
  %x.side.at = getelementptr i64, ptr %x.shape, i64 %j
  %x.side = load i64, ptr %x.side.at
  %side.at = getelementptr i64, ptr %p.d, i64 %j
  %side = load i64, ptr %side.at
  %j.next = add i64 %j, 1
  %same.side = icmp eq i64 %x.side, %side
  br i1 %same.side, label %axis, label %miss

taken:  ; place e of the table
  %x.data.at = getelementptr i8, ptr %x, i64 16
  %x.data = load i64, ptr %x.data.at
  %place = getelementptr i64, ptr %table, i64 %w.e
  store i64 %x.data, ptr %place
  br label %next

same:  ; argument a is the object b
  %one.at = getelementptr i64, ptr %args, i64 %w.a
  %one = load i64, ptr %one.at
  %same.one = icmp eq i64 %one, %w.b
  br i1 %same.one, label %next, label %miss

word:  ; at b in the object a is c
  %word.at = getelementptr i8, ptr %p.a, i64 %w.b
  %word.there = load i64, ptr %word.at
  %same.word = icmp eq i64 %word.there, %w.c
  br i1 %same.word, label %next, label %miss

item:  ; under b in the dict a is c
  %found = call i64 %dict_get(ptr %p.a, ptr %p.b)
  %same.found = icmp eq i64 %found, %w.c
  br i1 %same.found, label %next, label %miss

size:  ; the dict a has b items
  %count = call i64 %dict_size(ptr %p.a)
  %same.count = icmp eq i64 %count, %w.b
  br i1 %same.count, label %next, label %miss

number:  ; under b in the dict a is a float other than 0, or (b is 0) argument a is any: put into c,
; as float32 if d
  %of.dict = icmp ne i64 %w.b, 0
  br i1 %of.dict, label %number.dict, label %number.argument

number.dict:
  %number.found = call ptr %dict_get(ptr %p.a, ptr %p.b)
  %there = icmp ne ptr %number.found, null
  br i1 %there, label %number.type, label %miss

number.argument:
  %number.at = getelementptr ptr, ptr %args, i64 %w.a
  %number.given = load ptr, ptr %number.at
  br label %number.type

number.type:
  %n = phi ptr [%number.found, %number.dict], [%number.given, %number.argument]
  %n.type.at = getelementptr i8, ptr %n, i64 8
  %n.type = load i64, ptr %n.type.at
  %is.float = icmp eq i64 %n.type, %h.float
  br i1 %is.float, label %number.read, label %miss

number.read:
  %n.value.at = getelementptr i8, ptr %n, i64 16
  %n.value = load double, ptr %n.value.at
  %other = fcmp une double %n.value, 0.0
  %allowed = select i1 %of.dict, i1 %other, i1 true
  br i1 %allowed, label %number.allowed, label %miss

number.allowed:
  %narrow = icmp ne i64 %w.d, 0
  br i1 %narrow, label %number.narrow, label %number.wide

number.wide:
  store double %n.value, ptr %p.c
  br label %next

number.narrow:
  %n.short = fptrunc double %n.value to float
  store float %n.short, ptr %p.c
  br label %next

context:  ; the variable a has the value b here
  %asked = call i32 %context_get(ptr %p.a, ptr null, ptr %held)
  %value.held = load ptr, ptr %held
  %value.word = ptrtoint ptr %value.held to i64
  %known = icmp ne ptr %value.held, null
  br i1 %known, label %context.known, label %miss

context.known:
  call void %decref(ptr %value.held)
  %same.value = icmp eq i64 %value.word, %w.b
  br i1 %same.value, label %next, label %miss

free:  ; of what is to be overwritten, a or b by turns, there are c references
  %over = select i1 %odd, ptr %p.a, ptr %p.b
  %references = load i64, ptr %over
  %free.of.others = icmp eq i64 %references, %w.c
  br i1 %free.of.others, label %next, label %miss

state:  ; at b in the object a is c or d by turns
  %state.at = getelementptr i8, ptr %p.a, i64 %w.b
  %state.there = load i64, ptr %state.at
  %state.left = select i1 %odd, i64 %w.d, i64 %w.c
  %same.state = icmp eq i64 %state.there, %state.left
  br i1 %same.state, label %next, label %miss

{within}
hit:
  call void %kernel(ptr %table, i64 %h.rows, i64 1)
  br label %swap

swap:  ; each state: where it is, and the two objects
  %s = phi i64 [0, %hit], [%s.next, %swapped]
  %left = icmp ult i64 %s, %h.states
  br i1 %left, label %swapped, label %done

swapped:
  %s.offset = mul i64 %s, 3
  %s.at = getelementptr ptr, ptr %first_state, i64 %s.offset
  %s.place = load ptr, ptr %s.at
  %s.first.at = getelementptr ptr, ptr %s.at, i64 1
  %s.first = load ptr, ptr %s.first.at
  %s.second.at = getelementptr ptr, ptr %s.at, i64 2
  %s.second = load ptr, ptr %s.second.at
  %s.old = select i1 %odd, ptr %s.second, ptr %s.first
  %s.new = select i1 %odd, ptr %s.first, ptr %s.second
  %new.count = load i64, ptr %s.new
  %new.more = add i64 %new.count, 1
  store i64 %new.more, ptr %s.new
  store ptr %s.new, ptr %s.place
  %old.count = load i64, ptr %s.old
  %old.less = sub i64 %old.count, 1  ; not the last: the record holds both
  store i64 %old.less, ptr %s.old
  %s.next = add i64 %s, 1
  br label %swap

done:
  %calls.more = add i64 %h.calls, 1
  store i64 %calls.more, ptr %at.calls
  %turned = xor i64 %h.turn, 1
  store i64 %turned, ptr %at.turn
  %result = call ptr %vectorcall(ptr %finish, ptr null, i64 0, ptr null)
  ret ptr %result

miss:
  %answer = call ptr %vectorcall(ptr %slow, ptr %args, i64 %given, ptr null)
  ret ptr %answer
}}
"""

_WITHIN = """
{t}s:  ; the b elements at place a of the table are from 0 to 1
  %{t}.at = getelementptr ptr, ptr %table, i64 %w.a
  %{t}.data = load ptr, ptr %{t}.at
  br label %{t}.look

{t}.look:
  %{t}.i = phi i64 [0, %{t}s], [%{t}.after, %{t}.row], [%{t}.more, %{t}.one]
  %{t}.after = add i64 %{t}.i, {lanes}
  %{t}.full = icmp ule i64 %{t}.after, %w.b
  br i1 %{t}.full, label %{t}.row, label %{t}.rest

{t}.row:
  %{t}.row.at = getelementptr {t}, ptr %{t}.data, i64 %{t}.i
  %{t}.row.x = load <{lanes} x {t}>, ptr %{t}.row.at, align 4
  %{t}.row.low = fcmp oge <{lanes} x {t}> %{t}.row.x, zeroinitializer
  %{t}.row.high = fcmp ole <{lanes} x {t}> %{t}.row.x, splat ({t} 1.0)
  %{t}.row.in = and <{lanes} x i1> %{t}.row.low, %{t}.row.high
  %{t}.row.bits = bitcast <{lanes} x i1> %{t}.row.in to i{lanes}
  %{t}.row.all = icmp eq i{lanes} %{t}.row.bits, -1
  br i1 %{t}.row.all, label %{t}.look, label %miss

{t}.rest:
  %{t}.some = icmp ult i64 %{t}.i, %w.b
  br i1 %{t}.some, label %{t}.one, label %next

{t}.one:
  %{t}.one.at = getelementptr {t}, ptr %{t}.data, i64 %{t}.i
  %{t}.one.x = load {t}, ptr %{t}.one.at
  %{t}.one.low = fcmp oge {t} %{t}.one.x, 0.0
  %{t}.one.high = fcmp ole {t} %{t}.one.x, 1.0
  %{t}.one.in = and i1 %{t}.one.low, %{t}.one.high
  %{t}.more = add i64 %{t}.i, 1
  br i1 %{t}.one.in, label %{t}.look, label %miss
"""
