// Built by: clang --target=wasm32 -g -O1 -nostdlib -Wl,--no-entry
//     -fdebug-compilation-dir=/source -o inline.wasm inline.c
// The test knows the lines of this file.

__attribute__((always_inline)) static int checked(int value) {
  if (value == 0)
    __builtin_trap();
  return 100 / value;
}

__attribute__((noinline)) static int quarter(int value) {
  int rest = checked(value);
  return rest / 4;
}

__attribute__((export_name("outer"))) int outer(int value) {
  int result = quarter(value - 1);
  return result + 1;
}
