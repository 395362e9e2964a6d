"""The machine code of an entry: what each kind of guard looks at.

A guard has the words a to e; it goes on to `next`, or to `miss`.
"""

from __future__ import annotations

from tinygrad_bp.native.calls.objects import NUMBER

LANES = 8  # elements that are looked at together


def tests() -> str:
    """Return the blocks of all guards, in LLVM's language."""
    return _TESTS.format(number=NUMBER) + "".join(
        _WITHIN.format(t=t, lanes=LANES) for t in ("double", "float")
    )


_TESTS = """
tensor:  ; argument a is a Tensor that tracks nothing, of an array or a number as below
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

array:  ; argument a is an array of dtype b and of c axes of lengths d, or a number of type b
  %arg.at = getelementptr ptr, ptr %args, i64 %w.a
  %arg = load ptr, ptr %arg.at
  br label %raw

raw:
  %x = phi ptr [%arg, %array], [%t.value, %inside]
  %x.type.at = getelementptr i8, ptr %x, i64 8
  %x.type = load i64, ptr %x.type.at
  %is.array = icmp eq i64 %x.type, %h.array
  br i1 %is.array, label %header, label %single

single:
  %is.number = icmp eq i64 %x.type, %w.b
  %x.number.at = getelementptr i8, ptr %x, i64 {number}
  %x.number = ptrtoint ptr %x.number.at to i64
  br i1 %is.number, label %placed, label %miss

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

taken:
  %x.data.at = getelementptr i8, ptr %x, i64 16
  %x.data = load i64, ptr %x.data.at
  br label %placed

placed:  ; in place e of the table
  %x.elements = phi i64 [%x.data, %taken], [%x.number, %single]
  %place = getelementptr i64, ptr %table, i64 %w.e
  store i64 %x.elements, ptr %place
  br label %next

same:  ; argument a is the object b
  %one.at = getelementptr i64, ptr %args, i64 %w.a
  %one = load i64, ptr %one.at
  %same.one = icmp eq i64 %one, %w.b
  br i1 %same.one, label %next, label %miss

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

turn:  ; under b in the dict a is c or d by turns
  %turn.found = call i64 %dict_get(ptr %p.a, ptr %p.b)
  %turn.left = select i1 %odd, i64 %w.d, i64 %w.c
  %same.turn = icmp eq i64 %turn.found, %turn.left
  br i1 %same.turn, label %next, label %miss

content:  ; the c bytes at a are those at b
  %differ = call i32 %compare(ptr %p.a, ptr %p.b, i64 %w.c)
  %same.content = icmp eq i32 %differ, 0
  br i1 %same.content, label %next, label %miss
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
